import Host
import Machine
import Metering

/// A guest's meter as programs read it. Times are in nanoseconds, the rest in bytes or counts.
struct MeterDocument: JSONDocument {
  struct Allotment: Encodable {
    let cpus: Int
    let memoryBytes: UInt64
    let memoryLimitBytes: UInt64?
    /// Hundredths of a per cent of one CPU; nil: no quota.
    let cpuQuotaBasisPoints: UInt64?
    let cpuPeriodNanoseconds: UInt64?
    let cpuBurstNanoseconds: UInt64?
    let balloonTargetBytes: UInt64
  }

  struct Memory: Encodable {
    let givenBytes: UInt64
    let residentBytes: UInt64
    let residentPeakBytes: UInt64
    let residentByteSeconds: UInt64
  }

  struct CPU: Encodable {
    let runNanoseconds: UInt64
    let throttledNanoseconds: UInt64
    let exits: [String: UInt64]
  }

  struct Transfers: Encodable {
    let bytes: UInt64
    let requests: UInt64
    let failures: UInt64
    let throttledNanoseconds: UInt64
    /// The requests' latencies together.
    let latencySumNanoseconds: UInt64
    /// The end of the bucket that a half, 99 in 100 and all of the requests are within.
    let latencyP50Nanoseconds: UInt64?
    let latencyP99Nanoseconds: UInt64?
    let latencyMaxNanoseconds: UInt64?
    /// Requests by the end of their bucket, those that are not empty.
    let latencies: [String: UInt64]

    init(_ transfers: MeterReading.Transfers) {
      bytes = transfers.bytes
      requests = transfers.requests
      failures = transfers.failures
      throttledNanoseconds = transfers.throttledNanoseconds
      latencySumNanoseconds = transfers.latencyNanoseconds
      let histogram = transfers.latencies
      latencyP50Nanoseconds = histogram.quantile(0.5)
      latencyP99Nanoseconds = histogram.quantile(0.99)
      latencyMaxNanoseconds = histogram.quantile(1)
      latencies = Dictionary(
        uniqueKeysWithValues: histogram.counts.enumerated().filter { $1 > 0 }.map {
          (String(LatencyHistogram.end(of: $0)), $1)
        })
    }
  }

  struct Disk: Encodable {
    let read: Transfers
    let written: Transfers
    let flushes: UInt64
    let discards: UInt64
    /// By their names with units, like "read_bytes_per_second" and "burst_requests".
    let limits: [String: UInt64]
    let isBudgetUsedUp: Bool
  }

  struct Packets: Encodable {
    let bytes: UInt64
    let packets: UInt64
    let drops: UInt64
    let throttledNanoseconds: UInt64

    init(_ direction: NetworkMeter.Direction) {
      bytes = direction.bytes
      packets = direction.packets
      drops = direction.drops
      throttledNanoseconds = direction.throttledNanoseconds
    }
  }

  struct Network: Encodable {
    let received: Packets
    let sent: Packets
    /// By their names with units, like "receive_bytes_per_second" and "burst_packets".
    let limits: [String: UInt64]
    let isBudgetUsedUp: Bool
  }

  let name: String
  let run: String
  let state: GuestFolder.State
  let verdict: String?
  /// ISO 8601, UTC.
  let started: String
  let process: Int32
  /// From the guest's first instruction to its end, or to the meter's last sample.
  let uptimeNanoseconds: UInt64?
  /// How old CPU times and memory are, while the guest is there.
  let sampleAgeNanoseconds: UInt64?
  let allotment: Allotment
  let memory: Memory
  let cpus: [CPU]
  let deviceNanoseconds: UInt64
  /// For how long the host's control group held the VMM back, summed over CPUs.
  let hostThrottledNanoseconds: UInt64
  let disks: [Disk]
  let networks: [Network]
  let console: [String: UInt64]

  /// - Parameter now: when the meter was read.
  init(_ name: String, _ state: GuestFolder.State, _ meter: MeterReading, at now: Instant = .now) {
    self.name = name
    self.state = state
    run = meter.run
    verdict = Verdict(meter)?.name
    started = CalendarText.utc(nanosecondsSince1970: meter.startedSince1970)
    process = meter.process
    uptimeNanoseconds = meter.runNanoseconds
    sampleAgeNanoseconds = state.isOver ? nil : meter.sampled.map { now.nanoseconds(since: $0) }
    allotment = Allotment(
      cpus: meter.cpus.count, memoryBytes: meter.memoryBytes, memoryLimitBytes: meter.memoryLimitBytes,
      cpuQuotaBasisPoints: meter.cpuQuota?.basisPoints,
      cpuPeriodNanoseconds: meter.cpuQuota?.periodNanoseconds, cpuBurstNanoseconds: meter.cpuQuota?.burstNanoseconds,
      balloonTargetBytes: meter.balloonTargetBytes)
    memory = Memory(
      givenBytes: meter.memoryGivenBytes, residentBytes: meter.residentBytes,
      residentPeakBytes: meter.residentPeakBytes, residentByteSeconds: meter.residentByteSeconds)
    cpus = meter.cpus.map { cpu in
      CPU(
        runNanoseconds: cpu.runNanoseconds, throttledNanoseconds: cpu.throttledNanoseconds,
        exits: Dictionary(uniqueKeysWithValues: cpu.exits.map { ($0.name, $1) }))
    }
    deviceNanoseconds = meter.deviceNanoseconds
    hostThrottledNanoseconds = meter.hostThrottledNanoseconds
    disks = meter.disks.map { disk in
      Disk(
        read: Transfers(disk.read), written: Transfers(disk.written), flushes: disk.flushes, discards: disk.discards,
        limits: Self.limits(disk.limits, .disk), isBudgetUsedUp: disk.isBudgetUsedUp)
    }
    networks = meter.networks.map { network in
      Network(
        received: Packets(network.received), sent: Packets(network.sent), limits: Self.limits(network.limits, .network),
        isBudgetUsedUp: network.isBudgetUsedUp)
    }
    console = Dictionary(uniqueKeysWithValues: meter.console.map { ($0.name, $1) })
  }

  /// By name: "read_bytes_per_second", "burst_requests", "budget_bytes".
  private static func limits(_ limits: RateLimits, _ device: LimitedDevice) -> [String: UInt64] {
    let pairs = RateLimits.Item.all.compactMap { item in limits[item].map { (device.key(item), $0) } }
    return Dictionary(uniqueKeysWithValues: pairs)
  }
}

extension LimitedDevice {
  /// A limit's name in JSON, with its unit.
  fileprivate func key(_ item: RateLimits.Item) -> String {
    switch item {
    case .rate(let quantity): direction(quantity) + unit(quantity) + "_per_second"
    case .burst(let quantity): direction(quantity) + "burst_" + unit(quantity)
    case .budget: "budget_bytes"
    }
  }

  /// As metrics call it; nothing for both together.
  private func direction(_ quantity: RateLimits.Quantity) -> String {
    switch (quantity.counts(.toGuest), quantity.counts(.fromGuest)) {
    case (true, false): self == .disk ? "read_" : "receive_"
    case (false, true): self == .disk ? "write_" : "send_"
    default: ""
    }
  }

  private func unit(_ quantity: RateLimits.Quantity) -> String {
    quantity.isOfBytes ? "bytes" : self == .disk ? "requests" : "packets"
  }
}

extension MeterReading {
  /// How long the guest has run, as far as the meter knows: to its end, or to the last sample.
  var runNanoseconds: UInt64? {
    guard let start = phases[.guestStarted], let end = phases[.guestEnded] ?? sampled else { return nil }
    return end.nanoseconds(since: start)
  }
}
