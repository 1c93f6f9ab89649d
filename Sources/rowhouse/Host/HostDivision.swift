import Glibc
import Host
import Machine
import Metering

/// What the guests on a street may use, and do use, of this machine.
struct HostDivision {
  private(set) var guests = 0
  let cpuCount: Int
  /// Hundredths of a per cent of one CPU.
  private(set) var cpuAllotted: UInt64 = 0
  private(set) var cpuUsed: UInt64 = 0
  let memoryBytes: UInt64
  private(set) var memoryAllotted: UInt64 = 0
  private(set) var memoryResident: UInt64 = 0

  /// Between the two looks that the CPU's share in use is made of, in microseconds.
  private static let lookMicroseconds: UInt32 = 250_000

  init(cpuCount: Int = HostCPU.count, memoryBytes: UInt64 = HostMemory.bytes) {
    self.cpuCount = cpuCount
    self.memoryBytes = memoryBytes
  }

  /// Looks at all guests, twice. Settles the books of those that have ended.
  init(_ street: Street) {
    self.init()
    let folders = (try? street.guests()) ?? []
    for folder in folders { folder.settleIfPossible() }
    folders.refreshMeters()
    let before = folders.map { $0.liveReading() }
    if before.contains(where: { $0 != nil }) { usleep(Self.lookMicroseconds) }
    folders.refreshMeters()
    for (folder, earlier) in zip(folders, before) {
      guard let earlier, let meter = folder.liveReading() else { continue }
      add(meter, since: earlier)
    }
  }

  mutating func add(_ meter: MeterReading, since earlier: MeterReading) {
    guests += 1
    cpuAllotted = cpuAllotted.saturatingAdd(meter.cpuQuota?.basisPoints ?? UInt64(meter.cpus.count) * 10_000)
    memoryAllotted = memoryAllotted.saturatingAdd(meter.memoryBytes)
    memoryResident = memoryResident.saturatingAdd(meter.residentBytes)
    if let now = meter.sampled, let then = earlier.sampled, now > then {
      let used = meter.busyNanoseconds.saturatingSubtract(earlier.busyNanoseconds).saturatingTimes(10_000)
      cpuUsed = cpuUsed.saturatingAdd(used / now.nanoseconds(since: then))
    }
  }

  var text: String {
    let cpus = UInt64(cpuCount) * 10_000
    func ofCPUs(_ share: UInt64) -> String { "\(Percentage.format(share)) of \(Percentage.format(cpus))" }
    let rows = [
      ["cpu allotted", Bar(cpuAllotted, of: cpus).text, ofCPUs(cpuAllotted)],
      ["cpu used", Bar(cpuUsed, of: cpus).text, ofCPUs(cpuUsed)],
      [
        "memory allotted", Bar(memoryAllotted, of: memoryBytes).text,
        "\(HumanQuantity.bytes(memoryAllotted)) of \(HumanQuantity.bytes(memoryBytes))",
      ],
      [
        "memory resident", Bar(memoryResident, of: memoryBytes).text,
        "\(HumanQuantity.bytes(memoryResident)) of \(HumanQuantity.bytes(memoryBytes))",
      ],
    ]
    return "\(guests) guest\(guests == 1 ? "" : "s")\n" + TextTable(["", "", ""], rows).text.dropFirst()
  }
}

extension MeterReading {
  /// CPU time of all the VMM's threads that are metered.
  var busyNanoseconds: UInt64 { cpuNanoseconds.saturatingSum.saturatingAdd(deviceNanoseconds) }
}

extension GuestFolder {
  /// The meter of a guest that runs.
  func liveReading() -> MeterReading? {
    guard let look = try? look(), look.isAlive else { return nil }
    return look.meter
  }
}

/// A share as a bar of so many cells; beyond the whole it ends in a mark.
struct Bar {
  private static let cells = 30
  let text: String

  init(_ part: UInt64, of whole: UInt64) {
    let share = whole == 0 ? 0 : Double(part) / Double(whole)
    let filled = Int((min(share, 1) * Double(Self.cells)).rounded())
    let isOver = share > 1
    let full = String(repeating: "#", count: isOver ? Self.cells - 1 : filled) + (isOver ? ">" : "")
    text = "[" + full + String(repeating: ".", count: Self.cells - full.count) + "]"
  }
}
