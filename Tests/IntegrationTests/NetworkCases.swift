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
    // Of the administrator's making, with an address already. It outlives its guests, and has one at a time.
    Case(
      "net-over-a-tap-that-was-there",
      script: inOwnNetwork(
        """
        ip tuntap add dev tap1 mode tap 2> /dev/null || tunctl -t tap1 || exit
        ip addr add 10.7.0.254/24 dev tap1; ip link set tap1 up
        for turn in first second; do
          rowhouse run $GUESTS/net.elf --net tap=tap1 --timeout 60 -- host=1 answers=3 > out & supervisor=$!
          await out answering
          [ $turn = first ] || { rowhouse run $GUESTS/net.elf --net tap=tap1 -- host=2 2>&1; echo "another: status $?"; }
          ping -c 3 -W 5 10.7.0.1
          wait $supervisor && cat out
          ip link show tap1 > said && echo "it is still there"
        done
        rm out said
        """),
      says: [
        "0% packet loss", "sent: packets=4 ", "it is still there", "--net tap=tap1", "busy", "another: status 2", "0% packet loss",
        "sent: packets=4 ", "it is still there",
      ]),
    // The queue of the device, ten packets, and the buffers of the guest, which is paused, are full soon.
    Case(
      "net-drops-of-a-full-tap-are-metered",
      script: inOwnNetwork(
        """
        \(meters)
        rowhouse run --detach --name one $GUESTS/net.elf --net tap=tap1 --timeout 60 -- host=1 > said
        until ip addr add 10.7.0.254/24 dev tap1 2> /dev/null; do sleep 0.05; done
        ip link set tap1 up qlen 10
        ping -c 1 -W 5 10.7.0.1
        rowhouse pause one; ping -c 150 -i 0.01 -W 1 10.7.0.1 > said; rowhouse resume one
        kernel=$(sed -n 's/^ *tap1: *//p' /proc/net/dev | awk '{ print $12 }')
        meter=$(json one | sed 's/.*"received":{"bytes":[0-9]*,"drops":\\([0-9]*\\).*/\\1/')
        [ "$kernel" -ge 50 ] && [ "$meter" = "$kernel" ] && echo "as the kernel counts" || echo "$meter of $kernel"
        rowhouse kill one; rowhouse remove one; rm said
        """), says: ["as the kernel counts"]),
    // The next machine opens the same device, and nothing of the one before is left: descriptors and address space are as many.
    Case(
      "net-over-tap-after-resets",
      script: inOwnNetwork(
        """
        rowhouse run $GUESTS/reset.elf --on-reset reset --net tap=tap1 --verdict verdict > out & supervisor=$!
        held() { ls /proc/$vmm/fd | wc -l; sed -n 's/^VmSize: *//p' /proc/$vmm/status; }
        booted() { until [ "$(grep -c booted out)" -ge $1 ]; do sleep 0.02; done; }
        booted 3; vmm=$(child_of $supervisor)
        # Between two machines there is less: the most of many looks counts, and none may have come when one is whole. A
        # descriptor that is left each time would be 17 more.
        most() { for look in $(seq 50); do held | tr '\n' ' '; echo; sleep 0.01; done | sort -n | tail -1; }
        early=$(most); booted 20; late=$(most)
        echo "early $early, late $late" >&2
        [ "${late%% *}" -le $((${early%% *} + 8)) ] && echo "as many descriptors"
        kill -TERM $supervisor
        wait $supervisor; status=$?
        rm out
        exit $status
        """), says: ["as many descriptors"], verdict: "stopped"),
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

  /// passt at the other end of the cable, as a person has it for a guest without rights. It wants a way out of the host, which
  /// is a cable to nowhere here, and hands on what the guest sends to the host's own address.
  static let networkPrograms = [
    Case(
      "net-pings-through-passt",
      script: inOwnNetwork(
        """
        ip link add out type veth peer name nowhere
        for name in lo out nowhere; do ip link set $name up; done
        ip addr add 192.0.2.1/24 dev out; ip route add default via 192.0.2.2; ip addr add 10.7.0.2/32 dev lo
        echo 0 0 > /proc/sys/net/ipv4/ping_group_range
        passt --foreground --stderr --runas 0 --socket cable --address 10.7.0.1 --netmask 24 --gateway 10.7.0.2 --one-off \\
          2> said & passt=$!
        await said 'can now start'
        rowhouse run $GUESTS/net.elf --net socket=cable --verdict verdict --timeout 30 -- host=1 peer=2 count=20 bytes=1001
        status=$?
        [ $status = 0 ] || cat said
        kill $passt 2> /dev/null; wait $passt; rm -f said cable*
        exit $status
        """), says: ["answered=20"], verdict: "poweroff")
  ]

  /// A script that may do with its network whatever it wants, as it is the only one that has it. A host that lets
  /// nobody make one fails the case, and says so.
  static func inOwnNetwork(_ script: String) -> String {
    """
    if [ -z "$OWN_NETWORK" ]; then
      unshare -rn true || { echo 'FAILED: this host lets nobody make a network of his own'; exit 1; }
      OWN_NETWORK=yes exec unshare -rn sh ./script
    fi
    \(script)
    """
  }
}
