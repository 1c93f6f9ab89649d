import Foundation
import Testing

extension Case {
  /// What a guest may cost its host.
  static let economy: [Case] = [
    Case(
      "memory-of-the-vmm",
      script: """
        rowhouse-vmm --kernel $GUESTS/echo.elf --memory 128M > out & vmm=$!
        await out 'echoing until'
        cat /proc/$vmm/smaps
        kill $vmm; wait $vmm; rm out
        """
    ) { $0.expectResident(outside: 128 << 10, atMost: 5 << 10) },
    // Both are whole runs, so what happens once in a run is in both.
    Case(
      "exits-allocate-nothing",
      script: """
        chmod +x counting-vmm
        for count in 10 10000; do ./counting-vmm --kernel $GUESTS/portexits.elf --cmdline count=$count || exit; done
        """, files: ["counting-vmm": countingVMM]
    ) { outcome in
      let counts = outcome.outputText.split(separator: "\n").filter { $0.hasSuffix("allocations") }
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
  /// - Parameter guest: the size of the guest's memory, which is the one mapping that is as large.
  fileprivate func expectResident(outside guest: Int, atMost limit: Int) {
    var size = 0
    var resident = 0
    var guestMappings = 0
    for line in outputText.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words[0] == "Size:" {
        size = Int(words[1])!
        if size >= guest { guestMappings += 1 }
      } else if words[0] == "Rss:", size < guest {
        resident += Int(words[1])!
      }
    }
    #expect(guestMappings == 1)
    #expect((1000...limit).contains(resident), "\(resident) KiB are resident outside guest memory")
  }
}
