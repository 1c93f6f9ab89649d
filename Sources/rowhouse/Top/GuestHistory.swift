import Host
import Metering

/// What one guest used lately, from one look at its meter to the next.
struct GuestHistory {
  /// What is shown of a guest, each as a rate or a level.
  enum Figure: Int, CaseIterable {
    /// CPUs, of all the VMM.
    case cpu
    /// Bytes in the host's memory.
    case memory
    /// Bytes a second, both ways.
    case disk, network

    /// Whether it is as of the VMM's last sample, and not of now.
    var isSampled: Bool { self == .cpu || self == .memory }
  }

  /// How many looks are kept.
  static let length = 60

  /// The last ones last, by figure.
  private(set) var values = [[Double]](repeating: [], count: Figure.allCases.count)
  /// The share of the last interval in which vCPUs waited for their quota, or requests and packets for their limits.
  private(set) var throttled = 0.0
  private var last: Look?

  /// Counters, and when they said that: CPU times as of the last sample, the rest as of the look.
  private struct Look {
    let sampled: Instant
    let now: Instant
    let totals: [UInt64]
    let throttled: UInt64
  }

  subscript(figure: Figure) -> [Double] { values[figure.rawValue] }
  func now(_ figure: Figure) -> Double { values[figure.rawValue].last ?? 0 }

  /// - Parameters:
  ///   - isSilent: whether the VMM has not answered: nobody knows what it uses of a CPU, which counts as nothing.
  ///   - now: when the meter was read.
  mutating func look(_ meter: MeterReading, isSilent: Bool = false, at now: Instant = .now) {
    let started = meter.phases[.guestStarted] ?? now
    let look = Look(
      sampled: meter.sampled ?? started, now: now,
      totals: [meter.busyNanoseconds, 0, meter.diskBytes, meter.networkBytes], throttled: meter.throttledNanoseconds)
    // The first look has the guest's whole life before it.
    let before = last ?? Look(sampled: started, now: started, totals: [0, 0, 0, 0], throttled: 0)
    last = look
    func rate(_ figure: Figure, over time: UInt64, _ unit: Double) -> Double {
      // The VMM had no time to sample since, or no time has passed: as before.
      guard time > 0 else { return isSilent && figure == .cpu ? 0 : self.now(figure) }
      let used = look.totals[figure.rawValue].saturatingSubtract(before.totals[figure.rawValue])
      return Double(used) / Double(time) * unit
    }
    let time = look.now.nanoseconds(since: before.now)
    let cpuTime = look.sampled.nanoseconds(since: before.sampled)
    if time > 0 { throttled = min(1, Double(look.throttled.saturatingSubtract(before.throttled)) / Double(time)) }
    for (figure, value) in [
      (Figure.cpu, rate(.cpu, over: cpuTime, 1)), (.memory, Double(meter.residentBytes)),
      (.disk, rate(.disk, over: time, 1e9)), (.network, rate(.network, over: time, 1e9)),
    ] {
      values[figure.rawValue].append(value)
      if values[figure.rawValue].count > Self.length { values[figure.rawValue].removeFirst() }
    }
  }
}

extension MeterReading {
  var diskBytes: UInt64 { disks.flatMap { [$0.read.bytes, $0.written.bytes] }.saturatingSum }
  var networkBytes: UInt64 { networks.flatMap { [$0.received.bytes, $0.sent.bytes] }.saturatingSum }

  /// Time that anything of the guest waited for a quota or a limit.
  var throttledNanoseconds: UInt64 {
    let waits = cpus.lazy.map(\.throttledNanoseconds).saturatingSum.saturatingAdd(hostThrottledNanoseconds)
    let cpus = waits / UInt64(max(1, cpus.count))
    let disks = disks.flatMap { [$0.read.throttledNanoseconds, $0.written.throttledNanoseconds] }
    let networks = networks.flatMap { [$0.received.throttledNanoseconds, $0.sent.throttledNanoseconds] }
    return ([cpus] + disks + networks).saturatingSum
  }
}
