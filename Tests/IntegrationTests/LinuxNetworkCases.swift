import Testing

extension Case {
  /// Two Debian guests on one network: each pings the other, and 100 MB go from the second to the first. In large
  /// packets: every one costs several changes between guests, which take long in an emulated machine. So in frames of
  /// the usual size only 4 MB follow.
  static let linuxNetworks = [
    // The host is on the bridge too. Its address there is fixed: a bridge takes that of a port, until the port leaves.
    Case(
      onHardware: "linux-meets-linux-on-a-bridge",
      script: inOwnNetwork(
        """
        \(meeting)
        ip link add street address 02:00:00:00:07:fe type bridge && ip addr add 10.7.0.254/24 dev street || exit
        ip link set street up
        plug() { until ip link set $1 mtu 65000 2> /dev/null; do sleep 0.05; done; ip link set $1 master street up; }
        first 'ping -c 3 10.7.0.254' --net tap=tap1,mtu=65000 & second --net tap=tap2,mtu=65000 &
        plug tap1; plug tap2; wait
        summary first second
        """), says: pinged + ["10.7.0.254 ping statistics"] + pinged + moved),
    // TCP with the host, both ways, on a card with the usual MTU of 1500: what goes through the TAP device is as large
    // as segmentation offload makes it, and who counts it is the host's kernel.
    Case(
      onHardware: "linux-sends-the-host-more-than-a-frame",
      script: inOwnNetwork(
        """
        \(debian)
        bb() { $(command -v busybox || echo $LINUX/debian/busybox/bin/busybox) "$@"; }
        counts() { awk '/tap1:/ { sub(/.*:/, ""); print $'$1', $'$2' }' /proc/net/dev; }
        debian 'ip addr add 10.7.0.1/24 dev eth0; ip link set eth0 up; cat /sys/class/net/eth0/mtu; \
        dd if=/dev/urandom of=data bs=1M count=20 2> /dev/null; httpd -p 7; \
        until nc 10.7.0.254 8 > back; do sleep 0.2; done; cmp data back && echo the same' \
          --net tap=tap1 --memory 320M > said & guest=$!
        until ip addr add 10.7.0.254/24 dev tap1 2> /dev/null; do sleep 0.05; done; ip link set tap1 up
        # By sendfile(2): of nc's small writes each would be a packet where the host is quick to acknowledge.
        until bb wget -q -O got http://10.7.0.1:7/data; do sleep 0.2; done; counts 1 2 > sent; before=$(counts 9 10)
        bb nc -l -p 8 < got; echo "$before $(counts 9 10)" > taken
        wait $guest; cat said
        awk '{ print "from the guest:", int($1 / $2), "bytes a packet" }' sent
        awk '{ print "to the guest:", int(($3 - $1) / ($4 - $2)), "bytes a packet" }' taken
        rm got said sent taken
        """), says: ["1500", "the same"]
    ) { $0.expectLargePackets() },
    Case(
      onHardware: "linux-meets-linux-over-a-socket",
      script: """
        \(meeting)
        first true --net socket=cable,mtu=65000 & second --net socket=cable,mtu=65000 & wait
        summary first second
        """, says: pinged + moved),
  ]

  private static let moved = ["104857600 data", "4194304 frames"] + pinged + ["4 sums, different: 2"]
  private static let pinged = ["3 packets transmitted, 3 packets received, 0% packet loss"]

  /// `first ORDER OPTION…` and `second OPTION…` are the guests, 10.7.0.1 and 10.7.0.2; the first does ORDER, too.
  /// `summary FILE…` shows what they said, and how many SHA-256 sums are in it.
  private static let meeting = """
    \(debian)
    greet() {
      echo "ip addr add 10.7.0.$1/24 dev eth0; ip link set eth0 up; \
    until ping -c 1 -W 1 10.7.0.$2 > /dev/null; do sleep 0.1; done; ping -c 3 10.7.0.$2"
    }
    first() {
      order=$1; shift
      debian "$(greet 1 2); $order; \
    nc -l -p 7 > data; wc -c data; sha256sum data; ip link set eth0 mtu 1500; \
    nc -l -p 8 > frames; wc -c frames; sha256sum frames" --memory 320M "$@" > first
    }
    second() {
      debian "$(greet 2 1); dd if=/dev/urandom of=data bs=1M count=100; \
    until nc 10.7.0.1 7 < data; do sleep 1; done; sha256sum data; ip link set eth0 mtu 1500; \
    dd if=data of=frames bs=1M count=4; until nc 10.7.0.1 8 < frames; do sleep 1; done; sha256sum frames" --memory 320M "$@" > second
    }
    summary() {
      cat "$@"
      sums=$(grep -ho '[0-9a-f]\\{64\\}' "$@")
      echo "$(echo "$sums" | wc -l) sums, different: $(echo "$sums" | sort -u | wc -l)"
      rm "$@"
    }
    """
}

extension Outcome {
  /// Both ways more went in a packet than the 1514 bytes of the largest frame.
  fileprivate func expectLargePackets() {
    let sizes = outputText.split(separator: "\n").filter { $0.hasSuffix("bytes a packet") }
      .flatMap { $0.split(separator: " ").compactMap { Int($0) } }
    #expect(sizes.count == 2 && sizes.allSatisfy { $0 > 1514 }, "\(sizes) bytes a packet")
  }
}
