import Testing

extension Case {
  /// Counters beside what the guest, the host's kernel or a clock says of the same.
  static let meterSources: [Case] = [
    Case(
      "meter-counts-the-exits-that-the-guest-makes",
      script: """
        \(meters)
        for count in 100000 300000; do
          rowhouse run --detach --name one $GUESTS/portexits.elf --timeout 60 -- count=$count > said && rowhouse wait one
          echo "exits-$count $(figure one port_write)"; rowhouse remove one
        done; rm said
        """
    ) { outcome in
      // All else that it says has the same length.
      let (few, many) = (outcome.figures["exits-100000"]?.first, outcome.figures["exits-300000"]?.first)
      #expect((many ?? 0) - (few ?? 0) == 200_000, "\(outcome.outputText)")
    },
    Case(
      "meter-counts-the-flushes-that-the-guest-makes",
      script: """
        \(meters)
        truncate -s 4M kept
        rowhouse run --detach --name one $GUESTS/disk.elf --timeout 60 --disk kept -- journal=100 depth=8 > said
        rowhouse wait one; echo "flushes $(figure one flushes) $(rowhouse logs one | grep -c safe=)"
        rowhouse remove one; rm said
        """
    ) { outcome in
      let flushes = outcome.figures["flushes"] ?? []
      #expect(flushes == [13, 13], "\(outcome.outputText)")
    },
    // Eighteen of them wait for a twentieth of a second each after the one before, but for what the guest itself takes.
    Case(
      "meter-has-the-time-that-a-limit-takes",
      script: """
        \(meters)
        truncate -s 4M kept
        rowhouse run --detach --name one $GUESTS/disk.elf --timeout 60 --disk kept,iops=20,iops-burst=2 \\
          -- count=20 bytes=4096 depth=1 > said
        rowhouse wait one; json one | sed 's/.*"written":/written:/' > said
        echo "sum $(sed 's/.*"latency_sum_nanoseconds":\\([0-9]*\\).*"throttled_nanoseconds":\\([0-9]*\\)}.*/\\1 \\2/' said)"
        echo "uptime $(figure one uptime_nanoseconds)"; rowhouse remove one; rm said
        """
    ) { outcome in
      guard let sum = outcome.figures["sum"], sum.count == 2, let uptime = outcome.figures["uptime"]?.first else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(sum[1] > 650_000_000 && sum[1] <= sum[0] && sum[0] < uptime, "\(outcome.outputText)")
    },
    Case(
      "meter-has-the-time-that-a-quota-takes",
      script: """
        \(meters)
        look() { echo "$1 $(date +%s%N) $(vcpus $vmm) $(waits $vmm) $(figure one throttled_nanoseconds)"; }
        rowhouse run --detach --name one $GUESTS/burn.elf --timeout 60 --cpu-quota 40% > said; rm said; vmm=$(vmm)
        sleep 0.5; look before; sleep 2; look after; rowhouse kill one; rowhouse remove one
        """
    ) { outcome in
      guard let before = outcome.figures["before"], let after = outcome.figures["after"], before.count == 4,
        after.count == 4
      else {
        Issue.record("\(outcome.outputText)")
        return
      }
      // What it neither ran nor waited for a CPU.
      let taken = zip(before, after).map { $1 - $0 }
      let idle = taken[0] - taken[1] - taken[2]
      #expect(abs(taken[3] - idle) < taken[0] / 20, "\(outcome.outputText)")
    },
    Case(
      "meter-has-the-most-memory-and-what-it-comes-to-over-time",
      script: """
        \(meters)
        look() {
          echo "$1 $(date +%s%N) $(figure one resident_byte_seconds) $(figure one resident_peak_bytes)"
          awk '$1 == "VmRSS:" { now = $2 } $1 == "VmHWM:" { most = $2 }
            END { print "'$1'-kernel", now * 1024, most * 1024 }' /proc/$(vmm)/status
        }
        rowhouse run --detach --name one $GUESTS/touch.elf --timeout 60 -- pages=20000 > said; rm said
        until rowhouse logs one | grep -q touched=20000; do sleep 0.02; done
        look before; sleep 2; look after; rowhouse kill one; rowhouse remove one
        """
    ) { outcome in
      let figures = outcome.figures
      guard let before = figures["before"], let after = figures["after"], let kernel = figures["after-kernel"],
        before.count == 3, after.count == 3, kernel.count == 2
      else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(abs(after[2] - kernel[1]) <= 1 << 20, "\(outcome.outputText)")
      let expected = Double(kernel[0]) * Double(after[0] - before[0]) / 1e9
      #expect(abs(Double(after[1] - before[1]) / expected - 1) < 0.05, "\(outcome.outputText)")
    },
  ]
}
