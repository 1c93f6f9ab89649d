import Foundation
import Testing

extension Case {
  /// Copies the programs so that the host's cache has them in small pages.
  private static let inSmallPages = """
    mkdir kept; for program in rowhouse rowhouse-vmm; do
      dd if=$(command -v $program) of=kept/$program bs=4k 2> /dev/null; chmod +x kept/$program; done
    """

  /// What a guest may cost its host.
  static let economy: [Case] = [
    // A moment later, when the code of the start has been let go. What is the host's cache of the program's file counts
    // as far as it is mapped, and where that has the file in pages of 2 MiB, newer kernels map all of one at the first
    // touch: so the file is one that was written in small pieces.
    Case(
      "memory-of-the-vmm",
      script: """
        \(inSmallPages)
        kept/rowhouse-vmm --kernel $GUESTS/echo.elf --memory 128M > out & vmm=$!
        await out 'echoing until'; sleep 1
        cat /proc/$vmm/smaps
        kill $vmm; wait $vmm; rm out
        """
    ) { $0.expectResident(outside: 128 << 10, atMost: 5 << 10) },
    // With a folder, and so with sockets and a log.
    Case(
      "memory-of-a-detached-vmm",
      script: """
        \(inSmallPages)
        kept/rowhouse run --detach --name one $GUESTS/echo.elf --memory 128M --timeout 60
        rowhouse expect one until > /dev/null; sleep 1
        cat /proc/$(rowhouse show one | sed -n 's/^process: *//p')/smaps
        rowhouse kill one; rowhouse remove one
        """
    ) { $0.expectResident(outside: 128 << 10, atMost: 5 << 10) },
    // By the host's own count: how often its threads have slept, and what they used, in 20 seconds. It is looked at all
    // 5 seconds, which takes a turn of one thread or two.
    Case(
      "an-idle-guest-costs-nothing",
      script: """
        rowhouse run --detach --name one $GUESTS/echo.elf --memory 64M --timeout 120
        rowhouse expect one until > /dev/null; sleep 15
        vmm=$(rowhouse show one | sed -n 's/^process: *//p')
        turns() { cat /proc/$vmm/task/*/status | awk '/^voluntary/ { sum += $2 } END { print sum }'; }
        spent() { cat /proc/$vmm/task/*/schedstat | awk '{ sum += $1 } END { printf "%d", sum / 1000 }'; }
        turns=$(turns); spent=$(spent); sleep 20
        echo "turns $(($(turns) - turns))"; echo "microseconds $(($(spent) - spent))"
        rowhouse kill one; rowhouse remove one
        """
    ) { outcome in
      guard let turns = outcome.figures["turns"]?.first, let used = outcome.figures["microseconds"]?.first else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(turns <= 40 && used <= 20_000, "\(outcome.outputText)")
    },
    // It has idled so long that it is looked at seldom. What the ledger has of a VMM that was killed in the middle of work is
    // compared with the host's own count just before.
    Case(
      "a-guest-that-works-again-is-metered",
      script: """
        rowhouse run --detach --name one $GUESTS/flood-on-key.bin --boot flat --load-address 0x10000 --timeout 120
        vmm=$(rowhouse show one | sed -n 's/^process: *//p'); sleep 15; rowhouse send one x
        until [ $(wc -c < run/rowhouse/one/console.log) -ge 300000 ]; do sleep 0.02; done
        kill -STOP $vmm; cat /proc/$vmm/task/*/schedstat | awk '{ sum += $1 } END { printf "used %d\\n", sum }'
        kill -KILL $vmm; sleep 0.1; rowhouse remove one
        sed 's/.*"cpu_nanoseconds":\\([0-9]*\\).*"device_nanoseconds":\\([0-9]*\\).*/metered \\1 \\2/' \
          tmp/.local/state/rowhouse/ledger.jsonl
        """
    ) { outcome in
      guard let used = outcome.figures["used"]?.first, let metered = outcome.figures["metered"] else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(used > 500_000_000 && used - metered.reduce(0, +) < 400_000_000, "\(outcome.outputText)")
    },
    // Both are whole runs, so what happens once in a run is in both.
    Case(
      "exits-allocate-nothing",
      script: """
        chmod +x counting-vmm
        for count in 10 10000; do ./counting-vmm --kernel $GUESTS/portexits.elf --cmdline count=$count || exit; done
        """, files: ["counting-vmm": countingVMM]
    ) { outcome in
      let counts = outcome.outputText.split(separator: "\n").filter { $0.hasSuffix("allocations") }
      #expect(outcome.outputText.components(separatedBy: "control: 3 of 3\n").count == 3, "it does not count")
      #expect(counts.count == 2 && counts.first == counts.last, "for 10 and for 10,000 exits: \(counts)")
    },
  ]

  /// rowhouse-vmm with an allocator that counts. `make build` leaves it there, as static and optimized as the programs.
  private static let countingVMM: [UInt8] = {
    let path = GuestRunner.root + "/.build-release/release/counting-vmm"
    return FileManager.default.contents(atPath: path).map(Array.init) ?? []
  }()
}

extension Outcome {
  /// What of a process is in memory, by its /proc/PID/smaps; all figures in KiB.
  ///
  /// - Parameter guest: the size of the guest's memory: a mapping of its first 2 MiB, and the only one that is as large
  ///   as the rest right behind it.
  fileprivate func expectResident(outside guest: Int, atMost limit: Int) {
    var mappings: [(start: Substring, end: Substring, size: Int, resident: Int)] = []
    for line in outputText.split(separator: "\n") {
      let words = line.split(separator: " ")
      let ends = words[0].split(separator: "-")
      if ends.count == 2, UInt64(ends[0], radix: 16) != nil { mappings.append((ends[0], ends[1], 0, 0)) }
      if words[0] == "Size:" { mappings[mappings.count - 1].size = Int(words[1])! }
      if words[0] == "Rss:" { mappings[mappings.count - 1].resident = Int(words[1])! }
    }
    let smallPages = 2048
    let large = mappings.filter { $0.size >= guest - smallPages }
    let small = mappings.filter { $0.end == large.first?.start && $0.size == smallPages }
    #expect((small.count, large.count) == (1, 1))
    let resident = mappings.reduce(0) { $0 + $1.resident } - (small + large).reduce(0) { $0 + $1.resident }
    #expect((1000...limit).contains(resident), "\(resident) KiB are resident outside guest memory")
  }
}
