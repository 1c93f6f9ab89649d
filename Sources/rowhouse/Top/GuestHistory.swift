import Host
import Metering

/// What one guest used lately, from one look at its meter to the next.
struct GuestHistory {
  /// What is shown of a guest, each as a rate or a level.
  enum Figure: Int, CaseIterable {
    /// CPUs, of vCPUs and I/O thread together.
    case cpu
    /// Bytes in the host's memory.
    case memory
    /// Bytes a second, both ways.
    case disk, network
  }

  /// How many looks are kept.
  static let length = 60

  /// The last ones last, by figure.
  private(set) var values = [[Double]](repeating: [], count: Figure.allCases.count)
  /// The share of the last interval in which vCPUs waited for their quota, or requests and packets for their limits.
  private(set) var throttled = 0.0
  private var last: (instant: Instant, totals: [UInt64], throttled: UInt64)?

  subscript(figure: Figure) -> [Double] { values[figure.rawValue] }
  func now(_ figure: Figure) -> Double { values[figure.rawValue].last ?? 0 }

  mutating func look(_ meter: MeterReading) {
    // Counters are as of now, the rest as of the sample that was just asked for.
    let instant = meter.sampled ?? meter.phases[.guestStarted] ?? .now
    let totals = [meter.busyNanoseconds, 0, meter.diskBytes, meter.networkBytes]
    let waits = meter.throttledNanoseconds
    defer { last = (instant, totals, waits) }
    // The first look has the guest's whole life before it.
    let start = last?.instant ?? meter.phases[.guestStarted] ?? instant
    let time = Double(max(1, instant.nanoseconds(since: start)))
    func rate(_ figure: Figure, _ unit: Double) -> Double {
      let before = last?.totals[figure.rawValue] ?? 0
      return Double(totals[figure.rawValue] - min(before, totals[figure.rawValue])) / time * unit
    }
    throttled = min(1, Double(waits - min(last?.throttled ?? 0, waits)) / time)
    for (figure, value) in [
      (Figure.cpu, rate(.cpu, 1)), (.memory, Double(meter.residentBytes)), (.disk, rate(.disk, 1e9)),
      (.network, rate(.network, 1e9)),
    ] {
      values[figure.rawValue].append(value)
      if values[figure.rawValue].count > Self.length { values[figure.rawValue].removeFirst() }
    }
  }
}

extension MeterReading {
  var diskBytes: UInt64 { disks.reduce(0) { $0 &+ $1.read.bytes &+ $1.written.bytes } }
  var networkBytes: UInt64 { networks.reduce(0) { $0 &+ $1.received.bytes &+ $1.sent.bytes } }

  /// Time that anything of the guest waited for a quota or a limit.
  var throttledNanoseconds: UInt64 {
    let cpus = cpus.reduce(0 as UInt64) { $0 &+ $1.throttledNanoseconds } / UInt64(max(1, cpus.count))
    let disks = disks.reduce(0 as UInt64) { $0 &+ $1.read.throttledNanoseconds &+ $1.written.throttledNanoseconds }
    return networks.reduce(cpus &+ disks) { $0 &+ $1.received.throttledNanoseconds &+ $1.sent.throttledNanoseconds }
  }
}
