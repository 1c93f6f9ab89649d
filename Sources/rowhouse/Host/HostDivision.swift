import Glibc
import Host
import Machine
import Metering

/// What the guests on a street may use, and do use, of this machine, and what else goes on there.
struct HostDivision {
  /// Hundredths of a per cent of one CPU, or bytes.
  struct Share: Equatable {
    let allotted: UInt64
    /// What of that is used; nil: nobody knows, as the VMM does not answer.
    let used: UInt64?
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
    let state: GuestFolder.State
    /// Of the vCPUs, which may use their quota together, or without one a whole CPU each. With `--cgroup` the quota
    /// holds all of the VMM, and this is what all of it uses.
    let cpu: Share
    /// What the VMM uses beside its vCPUs, where their quota does not hold it; nil: it does, or nobody knows.
    let devices: UInt64?
    /// Allotted is what the guest was promised.
    let memory: Share
    /// Nil: it has no such device.
    let disk: Flow?
    let network: Flow?
  }

  /// In the order of their names.
  private(set) var guests: [Guest] = []
  let limits: HostLimits
  /// Of what guests are promised.
  let budget: MemoryBudget
  /// What everything on this machine, or in the control group that limits it, uses together; nil: it does not say.
  private(set) var inUse: (cpu: UInt64?, memory: UInt64?) = (nil, nil)

  /// Between the two looks that rates are made of, in microseconds.
  private static let lookMicroseconds: UInt32 = 250_000

  init(_ limits: HostLimits, _ budget: MemoryBudget) {
    self.limits = limits
    self.budget = budget
  }

  /// Looks at all guests, twice. Settles the books of those that have ended.
  init(_ street: Street) throws {
    self.init(HostLimits(), try MemoryBudget(overcommit: nil))
    let folders = try street.guests()
    let before = folders.freshLooks()
    for (folder, look) in zip(folders, before) { folder.settleIfPossible(look) }
    let readings = before.map(Reading.init)
    let loadBefore = MachineLoad()
    usleep(Self.lookMicroseconds)
    for (index, look) in folders.freshLooks(after: before).enumerated() {
      guard let earlier = readings[index], let now = Reading(look) else { continue }
      let folder = folders[index]
      add(
        folder.name.description, now, since: earlier, promised: folder.promise,
        isHeldWhole: folder.start?.controlGroup != nil)
    }
    if let loadBefore, let load = MachineLoad() {
      // In the groups' memory and CPU time there are no others' but theirs.
      inUse.cpu = limits.cpuGroup == nil ? load.cpuShare(since: loadBefore) : nil
      inUse.memory = limits.memoryGroup == nil ? load.memoryInUse : limits.memoryGroup?.inUse
    }
  }

  /// The meter of a guest that runs, and when it was read.
  struct Reading {
    let meter: MeterReading
    let state: GuestFolder.State
    let at: Instant

    init(_ meter: MeterReading, _ state: GuestFolder.State = .running, at now: Instant) {
      (self.meter, self.state, at) = (meter, state, now)
    }

    init?(_ look: GuestFolder.Look?) {
      guard let look, look.isAlive, let meter = look.meter else { return nil }
      self.init(meter, look.state, at: look.at)
    }
  }

  /// - Parameters:
  ///   - promised: the memory that the guest was promised, in bytes; nil: what its meter says.
  ///   - isHeldWhole: whether a quota holds all of its VMM.
  mutating func add(
    _ name: String, _ now: Reading, since earlier: Reading, promised: UInt64? = nil, isHeldWhole: Bool = false
  ) {
    let (meter, before) = (now.meter, earlier.meter)
    let isKnown = now.state != .silent
    func share(_ nanoseconds: (MeterReading) -> UInt64) -> UInt64 {
      // CPU times are as of the last sample, bytes as of now.
      guard let end = meter.sampled, let start = before.sampled, end > start else { return 0 }
      let used = nanoseconds(meter).saturatingSubtract(nanoseconds(before))
      return used.saturatingTimes(10_000) / end.nanoseconds(since: start)
    }
    let time = now.at.nanoseconds(since: earlier.at)
    func rate(_ bytes: (MeterReading) -> UInt64) -> UInt64 {
      let moved = bytes(meter).saturatingSubtract(bytes(before))
      return time == 0 ? 0 : UInt64(saturating: Double(moved) / Double(time) * 1e9)
    }
    let isHeldWhole = isHeldWhole && meter.cpuQuota != nil
    let quota = meter.cpuQuota?.basisPoints ?? UInt64(meter.cpus.count).saturatingTimes(10_000)
    let used = isHeldWhole ? share(\.busyNanoseconds) : share(\.cpuNanoseconds.saturatingSum)
    guests.append(
      Guest(
        name: name, state: now.state, cpu: Share(allotted: quota, used: isKnown ? used : nil),
        devices: isKnown && !isHeldWhole ? share(\.deviceNanoseconds) : nil,
        memory: Share(allotted: promised ?? meter.memoryBytes, used: isKnown ? meter.residentBytes : nil),
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
