import Hardware
import Synchronization

/// The id that the processor started last reported; -1 until it does.
private let reportedID = Atomic<Int>(-1)

/// Wakes every processor that the ACPI tables name; each says its local APIC's id. All have to come, each
/// with the id by which it was called.
@main enum SMP: Guest {
  private static let hertz = 1000

  static func run(_ start: StartInfo) {
    guard let rsdp = start.rsdp else { fail("there are no ACPI tables") }
    let tables = ACPITables(rsdp: rsdp)
    let ownID = LocalAPIC.id
    var seen = InlineArray<256, Bool>(repeating: false)
    var count = 0
    tables.forEachProcessor { id in
      expect(!seen[Int(id)], "the MADT has APIC id \(id) twice")
      seen[Int(id)] = true
      count += 1
    }
    expect(seen[Int(ownID)], "the MADT does not have this processor's APIC id, \(ownID)")
    say("the MADT names \(count) processors; APIC id \(ownID) is the first")

    Interrupts.configure()
    IntervalTimer.start(hertz: hertz)
    Processors.prepare(body: report)
    for id in 0..<256 where seen[id] && id != ownID { Processors.initialize(id: UInt8(id)) }
    IntervalTimer.sleep(ticks: hertz / 100 + 1)
    var number = 0
    for id in 0..<256 where seen[id] && id != ownID {
      reportedID.store(-1, ordering: .relaxed)
      Processors.start(id: UInt8(id), number: number)
      number += 1
      let hasReported = IntervalTimer.wait(ticks: 2 * hertz) { reportedID.load(ordering: .acquiring) != -1 }
      expect(hasReported, "the processor with APIC id \(id) does not start")
      let said = reportedID.load(ordering: .relaxed)
      expect(said == id, "APIC id \(id) was called, and \(said) came")
    }
    say("cpus=\(number + 1)")
  }

  /// What each started processor does: prints, and lets the first one, which waits for it, know.
  private static func report() {
    let id = LocalAPIC.id
    let initialID = UInt8(cpuid(1).ebx >> 24)
    expect(id == initialID, "CPUID says APIC id \(initialID), the local APIC says \(id)")
    say("APIC id \(id) runs")
    reportedID.store(Int(id), ordering: .releasing)
  }
}
