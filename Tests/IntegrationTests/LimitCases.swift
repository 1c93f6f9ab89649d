import Testing

extension Case {
  /// Limits of disks and network cards, at the start and while the guest runs.
  static let limits: [Case] = [
    // Nothing is done beside what cannot be, and the order of the words means nothing.
    Case(
      "set-all-or-nothing",
      script: """
        truncate -s 4M kept
        rowhouse run --detach --name one $GUESTS/burn.elf --disk kept --timeout 60 > said
        refused() { rowhouse set one "$@"; echo "status $?"; }
        refused cpu-quota=30% disk1.iops=4
        refused cpu-period=50ms
        refused cpu-quota=none cpu-burst=5ms
        refused cpu-quota=900%
        refused memory=128M cpu-quota=30%
        refused cpu-quota=30% disk0.iops=100 cpu-weight=50
        refused cpu-quota=30% disk0.iops-burst=3
        refused disk0.iops=none disk0.iops-burst=3 cpu-quota=30%
        refused cpu-quota=30% cpu-quota=20%
        rowhouse meter one > said; echo "$(grep -c '%' said) shares, $(grep -c 'ops/s' said) limits"
        shown() {
          rowhouse meter one --json > said
          grep -o '"\\(cpu_burst_nanoseconds\\|burst_requests\\|requests_per_second\\)" : [0-9]*' said
        }
        rowhouse set one cpu-burst=5ms disk0.iops-burst=3 disk0.iops=100 cpu-quota=50% && shown
        rowhouse set one disk0.iops-burst=none disk0.iops=none && echo "left: $(shown | grep -c _requests)"
        rowhouse kill one; rowhouse remove --all; rm said
        """,
      says: [
        String(repeating: "status 2\n", count: 9) + "0 shares, 0 limits\n",
        "nanoseconds\" : 5000000", "\"burst_requests\" : 3", "\"requests_per_second\" : 100",
        "left: 0",
      ],
      warns: [
        "disk1.iops=4: the guest's last is disk0", "cpu-period=50ms: it goes with cpu-quota",
        "cpu-burst=5ms: it goes with cpu-quota", "cpu-quota=900%: the guest's CPUs can use 100% at most",
        "memory=128M: the guest has no such device",
        "cpu-quota=30% disk0.iops=100 cpu-weight=50: a weight is for a control group; start the guest with --cgroup",
        "disk0: iops-burst goes with iops", "cpu-quota=20%: it is set twice",
      ], warningLines: 9),
    Case(
      "disk-limit-takes-its-time",
      script: """
        \(looks)
        truncate -s 4M kept; start=$(milliseconds)
        rowhouse run $GUESTS/disk.elf --disk kept,write-iops=100,write-iops-burst=1 --quiet --timeout 60 \\
          -- count=101 bytes=512 &&
        [ $(($(milliseconds) - start)) -ge 1000 ] && echo slow
        """, says: ["requests=101", "slow"]),
    Case(
      "disk-budget-ends-in-errors",
      script: """
        truncate -s 4M kept
        rowhouse run $GUESTS/disk.elf --disk kept,budget=40K --quiet --timeout 60 -- count=11 bytes=4096 depth=1
        """, status: 3, says: ["FAILED: a transfer at sector 80 has status 1"], neverSays: []),
    Case(
      "limits-are-set-while-the-guest-runs",
      script: """
        \(meters)
        truncate -s 4M kept
        rowhouse run --detach --name one $GUESTS/disk.elf --disk kept,iops=1 --timeout 60 \\
          -- count=100000000 bytes=512 > said
        rm said
        written() { json one | sed 's/.*"written":{"bytes":[0-9]*,.*"requests":\\([0-9]*\\),.*/\\1/'; }
        flow() { # the requests of a second, and the milliseconds of it
          start=$(milliseconds); before=$(written); sleep 1
          echo "$1 $(($(written) - before)) $(($(milliseconds) - start))"
        }
        flow slow
        rowhouse set one disk0.iops=none disk0.write-bandwidth=1M cpu-quota=50% cpu-burst=5ms || exit
        sleep 0.3; flow fast; rowhouse meter one; json one; echo
        rowhouse set one disk0.write-bandwidth=none disk0.write-iops=2 disk0.write-iops-burst=1 || exit
        flow slower
        rowhouse set one disk1.iops=3; rowhouse set one disk0.iops-burst=3; rowhouse set one cpu-quota=700%
        rowhouse set one disk0.iops=fast; rowhouse set one cpu-weight=50
        rowhouse kill one; rowhouse remove --all
        """,
      says: ["50%", "1M/s", "\"cpu_burst_nanoseconds\":5000000", "\"write_bytes_per_second\":1048576"],
      warns: [
        "disk1.iops=3: the guest's last is disk0", "disk0: iops-burst goes with iops",
        "cpu-quota=700%: the guest's CPUs can use 100% at most", "disk0.iops=fast: give a number like 1000, or none",
        "cpu-weight=50: a weight is for a control group; start the guest with --cgroup",
      ], warningLines: 5
    ) { outcome in
      // Never more than its limit lets through, on however busy a host; and much more once that is raised.
      guard let slow = outcome.figures["slow"], let fast = outcome.figures["fast"],
        let slower = outcome.figures["slower"], [slow, fast, slower].allSatisfy({ $0.count == 2 })
      else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(slow[0] <= slow[1] / 1000 + 2, "\(outcome.outputText)")
      #expect(fast[0] >= 50 && fast[0] <= 2048 * fast[1] / 1000 + 300, "\(outcome.outputText)")
      // A few that had been let through are still on their way.
      #expect(slower[0] <= 2 * slower[1] / 1000 + 20, "\(outcome.outputText)")
    },
    Case(
      refused: "burst-without-its-rate", "rowhouse run $GUESTS/hello.elf --disk image,iops-burst=3",
      naming: "--disk image",
      "iops-burst goes with iops"),
    Case(
      refused: "bandwidth-without-unit", "rowhouse run $GUESTS/hello.elf --net socket=x,tx-bandwidth=3",
      naming: "--net socket=x", "tx-bandwidth is a size like 20M"),
  ]
}
