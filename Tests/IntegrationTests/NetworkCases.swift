import Testing

extension Case {
  /// Our own guest on each kind of cable. Each has counted what went through its card, and the two ends must agree.
  static let networks = [
    Case(
      "net-answers-over-tap",
      script: inOwnNetwork(
        """
        rowhouse run $GUESTS/net.elf --net tap=tap1 --verdict verdict --timeout 30 -- host=1 answers=5 > out & supervisor=$!
        # The VMM makes the device, which takes a moment.
        until ip addr add 10.7.0.254/24 dev tap1 2> /dev/null; do sleep 0.05; done
        ip link set tap1 up
        await out answering
        ping -c 5 -W 5 10.7.0.1
        wait $supervisor; status=$?
        cat out; rm out
        exit $status
        """), says: ["0% packet loss", "sent: packets=6 ", "received: packets="], verdict: "poweroff"),
    Case(
      "net-pings-net",
      script: """
        rowhouse run $GUESTS/net.elf --net socket=cable --timeout 30 --quiet -- host=1 answers=40 > one & other=$!
        await one answering
        rowhouse run $GUESTS/net.elf --net socket=cable --timeout 30 --verdict verdict -- host=2 peer=1 count=40 bytes=1001
        status=$?
        wait $other || status=$?
        cat one; rm one
        exit $status
        """,
      says: [
        "answered=40", "sent: packets=41 bytes=40100", "received: packets=41 bytes=40100", "answering",
        "sent: packets=41 bytes=40100", "received: packets=41 bytes=40100",
      ], verdict: "poweroff"),
    Case(
      refused: "net-at-a-file", "rowhouse run $GUESTS/net.elf --net socket=plain; status=$?; rm plain; exit $status",
      files: ["plain": Array("precious".utf8)], naming: "--net socket=plain", "no socket"),
    Case(
      refused: "net-in-no-folder", "rowhouse run $GUESTS/net.elf --net socket=none/cable",
      naming: "--net socket=none/cable", "No such file"),
  ]

  /// A script that may do with its network whatever it wants, as it is the only one that has it. A host that lets
  /// nobody make one fails the case, and says so.
  private static func inOwnNetwork(_ script: String) -> String {
    """
    if [ -z "$OWN_NETWORK" ]; then
      unshare -rn true || { echo 'FAILED: this host lets nobody make a network of his own'; exit 1; }
      OWN_NETWORK=yes exec unshare -rn sh ./script
    fi
    \(script)
    """
  }

  /// Two Debian guests that ping each other and move 100 MB, over each kind of cable.
  static let linuxNetworks = [
    Case(
      network: "linux-guests-on-a-bridge",
      """
      dd if=/dev/urandom of=data bs=1M count=100 2> /dev/null
      md5sum data
      ip link add br0 type bridge
      ip addr add 10.7.0.254/24 dev br0
      ip link set br0 up
      # One device is there before; the VMM makes the other, which takes a moment.
      ip tuntap add tap1 mode tap 2> /dev/null || tunctl -t tap1 > /dev/null
      plug tap1
      if command -v httpd > /dev/null; then set -- httpd -f -p 80; else set -- python3 -m http.server 80; fi
      "$@" > /dev/null 2>&1 & server=$!
      guest 1 tap=tap1 '
        until wget -qO data http://10.7.0.254/data; do sleep 1; done;
        md5sum data; httpd -p 80 -h /; nc -l -p 99' > one & one=$!
      guest 2 tap=tap2 '
        until ping -c 1 -W 1 10.7.0.254; do :; done; until wget -qO data http://10.7.0.1/data; do sleep 1; done;
        ping -c 1 10.7.0.1; md5sum data; echo bye | nc 10.7.0.1 99' > two & two=$!
      until plug tap2 2> /dev/null; do sleep 0.1; done
      wait $one; wait $two; kill $server
      """, says: ["1 packets received, 0% packet loss", "PING 10.7.0.1 ", "0% packet loss"], copies: 3),
    Case(
      network: "linux-guests-on-a-socket",
      """
      guest 1 socket=cable '
        dd if=/dev/urandom of=data bs=1M count=100; md5sum data; httpd -p 80 -h /; nc -l -p 99' > one & one=$!
      guest 2 socket=cable '
        until ping -c 1 -W 1 10.7.0.1; do :; done; until wget -qO data http://10.7.0.1/data; do sleep 1; done;
        md5sum data; echo bye | nc 10.7.0.1 99' > two & two=$!
      wait $one; wait $two
      """, says: ["1 packets received, 0% packet loss"], copies: 2),
  ]

  /// `guest N END COMMAND` runs COMMAND in a guest with the address 10.7.0.N and a card on END; `plug TAP` puts a
  /// device on the bridge.
  ///
  /// - Parameter copies: how often the checksum of the 100 MB must be said, always the same.
  private init(network name: String, _ script: String, says: [String], copies: Int) {
    self.init(
      name,
      script: Self.inOwnNetwork(
        """
        guest() {
          rowhouse run $LINUX/vmlinuz-6.12 --initrd $LINUX/initramfs-6.12.cpio.gz --memory 512M --timeout 150 --quiet \\
            --net $2 -- console=ttyS0 quiet panic=-1 \\
            "run=\\"ip addr add 10.7.0.$1/24 dev eth0; ip link set eth0 up; $(echo $3)\\"" < /dev/null
        }
        plug() { ip link set $1 master br0 && ip link set $1 up; }
        \(script)
        cat one two
        rm -f one two data
        """), says: says
    ) { outcome in
      let lines = outcome.outputText.split(whereSeparator: \.isNewline)
      let sums = lines.filter { $0.hasSuffix("  data") }.map { $0.prefix(32) }
      #expect(sums.count == copies && Set(sums).count == 1, "\(sums)")
    }
    bootsLinux = true
  }
}
