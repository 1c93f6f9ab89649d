import Glibc
import Host
import Machine
import Metering

/// What the guests on a street may use, and do use, of this machine, and what else goes on there.
struct HostDivision {
  /// Hundredths of a per cent of one CPU, or bytes.
  struct Share: Equatable {
    let allotted: UInt64
    let used: UInt64
  }

  /// What goes through all of a guest's disks, or all of its network cards, both ways together.
  struct Flow: Equatable {
    enum Limit: Equatable {
      case none
      /// There are limits, but not of all bytes: of one direction, of operations, or of one device of several.
      case partial
      /// In bytes a second.
      case bytes(UInt64)
    }

    let limit: Limit
    /// Bytes a second.
    let used: UInt64
  }

  struct Guest {
    let name: String
    /// Without a quota a guest may use a whole CPU for each of its own.
    let cpu: Share
    let memory: Share
    /// Nil: it has no such device.
    let disk: Flow?
    let network: Flow?
  }

  /// In the order of their names.
  private(set) var guests: [Guest] = []
  let cpuCount: Int
  let memoryBytes: UInt64
  /// What everything on this machine uses together; nil: it does not say.
  private(set) var inUse: InUse?

  struct InUse {
    /// Hundredths of a per cent of one CPU.
    let cpu: UInt64
    /// Bytes that no program could have without swapping.
    let memory: UInt64
  }

  /// Between the two looks that rates are made of, in microseconds.
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
    let loadBefore = MachineLoad()
    let before = folders.map { $0.liveReading() }
    usleep(Self.lookMicroseconds)
    folders.refreshMeters()
    for (folder, earlier) in zip(folders, before) {
      guard let earlier, let now = folder.liveReading() else { continue }
      add(folder.name.description, now, since: earlier)
    }
    if let loadBefore, let load = MachineLoad() {
      inUse = InUse(cpu: load.cpuShare(since: loadBefore), memory: load.memoryInUse)
    }
  }

  /// A meter, and when it was read.
  typealias Reading = (meter: MeterReading, at: Instant)

  mutating func add(_ name: String, _ now: Reading, since earlier: Reading) {
    let (meter, before) = (now.meter, earlier.meter)
    var cpuUsed: UInt64 = 0
    // CPU times are as of the last sample, bytes as of now.
    if let end = meter.sampled, let start = before.sampled, end > start {
      let busy = meter.busyNanoseconds.saturatingSubtract(before.busyNanoseconds)
      cpuUsed = busy.saturatingTimes(10_000) / end.nanoseconds(since: start)
    }
    let time = now.at.nanoseconds(since: earlier.at)
    func rate(_ bytes: (MeterReading) -> UInt64) -> UInt64 {
      let moved = bytes(meter).saturatingSubtract(bytes(before))
      return time == 0 ? 0 : UInt64(saturating: Double(moved) / Double(time) * 1e9)
    }
    guests.append(
      Guest(
        name: name,
        cpu: Share(
          allotted: meter.cpuQuota?.basisPoints ?? UInt64(meter.cpus.count).saturatingTimes(10_000), used: cpuUsed),
        memory: Share(allotted: meter.memoryBytes, used: meter.residentBytes),
        disk: meter.disks.isEmpty ? nil : Flow(limit: .init(meter.disks.map(\.limits)), used: rate(\.diskBytes)),
        network: meter.networks.isEmpty
          ? nil : Flow(limit: .init(meter.networks.map(\.limits)), used: rate(\.networkBytes))))
  }
}

extension HostDivision.Flow.Limit {
  /// Of devices that have these limits, all together.
  init(_ devices: [RateLimits]) {
    let each = devices.map(\.bytesASecond)
    if each.contains(nil) {
      let isLimited = devices.contains { limits in
        RateLimits.Quantity.allCases.contains { limits[.rate($0)] != nil }
      }
      self = isLimited ? .partial : .none
    } else {
      self = .bytes(each.lazy.compactMap { $0 }.saturatingSum)
    }
  }
}

extension RateLimits {
  /// The most bytes a second that can go both ways together; nil: as many as there are.
  fileprivate var bytesASecond: UInt64? {
    let both = self[.rate(.bytes)]
    guard let one = self[.rate(.bytesToGuest)], let other = self[.rate(.bytesFromGuest)] else { return both }
    let sum = one.saturatingAdd(other)
    return both.map { min($0, sum) } ?? sum
  }
}

extension MeterReading {
  /// CPU time of all the VMM.
  var busyNanoseconds: UInt64 { cpuNanoseconds.saturatingSum.saturatingAdd(deviceNanoseconds) }
}

extension GuestFolder {
  /// The meter of a guest that runs.
  fileprivate func liveReading() -> HostDivision.Reading? {
    guard let look = try? look(), look.isAlive, let meter = look.meter else { return nil }
    return (meter, .now)
  }
}
