import Host

/// What a guest's meter said at one moment: a plain copy, checked before it is used.
package struct MeterReading: Sendable {
  package struct Mark: Sendable {
    package let instant: Instant
    package let source: UInt8
    package let byte: UInt8
  }

  package struct CPU: Sendable {
    package let exits: [ExitReason: UInt64]
    /// CPU time of its thread in nanoseconds.
    package let runNanoseconds: UInt64
    package let throttledNanoseconds: UInt64
  }

  package struct Transfers: Sendable {
    package let bytes: UInt64
    package let requests: UInt64
    package let failures: UInt64
    package let throttledNanoseconds: UInt64
    /// The requests' latencies together.
    package let latencyNanoseconds: UInt64
    package let latencies: LatencyHistogram
  }

  package struct Disk: Sendable {
    package let read: Transfers
    package let written: Transfers
    package let flushes: UInt64
    package let discards: UInt64
    package let limits: RateLimits
    /// Whether the budget was too small for what was asked, and nothing goes through any more.
    package let isBudgetUsedUp: Bool
  }

  package struct Network: Sendable {
    package let received: NetworkMeter.Direction
    package let sent: NetworkMeter.Direction
    package let limits: RateLimits
    /// As a disk's.
    package let isBudgetUsedUp: Bool
  }

  // Identity.

  /// 32 hexadecimal digits that no other run has.
  package let run: String
  /// When the VMM made the meter, in nanoseconds since 1970-01-01 00:00 UTC.
  package let startedSince1970: UInt64
  package let process: Int32

  // Allotment.

  package let memoryBytes: UInt64
  /// What may be resident, at most; nil: no limit.
  package let memoryLimitBytes: UInt64?
  /// What the guest shall give up of that.
  package let balloonTargetBytes: UInt64
  package let cpuQuota: CPUQuota?

  // Usage.

  package let state: GuestState
  /// The verdict's code and value, nil while the guest has none.
  package let verdict: (code: UInt32, value: UInt32)?
  /// When the sampled figures were read: CPU times and memory; nil: never yet.
  package let sampled: Instant?
  /// The wall clock's time then, in nanoseconds since 1970-01-01 00:00 UTC; 0 in meters of before it was kept.
  package let sampledSince1970: UInt64
  /// CPU time of the VMM without its vCPUs' threads.
  package let deviceNanoseconds: UInt64
  /// For how long the host's control group held the VMM back, summed over the host's CPUs.
  package let hostThrottledNanoseconds: UInt64
  /// The guest's memory without what its balloon has taken.
  package let memoryGivenBytes: UInt64
  /// What of the VMM's memory, the guest's with it, is in the host's, and the most that ever was.
  package let residentBytes: UInt64
  package let residentPeakBytes: UInt64
  package let residentByteSeconds: UInt64
  package let console: [ConsoleCounter: UInt64]
  /// How many watch the console, besides its own end.
  package let viewers: UInt64
  /// The phases that were reached.
  package let phases: [Phase: Instant]
  /// How many marks the guest has set; the first 128 are kept.
  package let markCount: UInt64
  package let marks: [Mark]
  package let cpus: [CPU]
  package let disks: [Disk]
  package let networks: [Network]

  /// Exits of all vCPUs together.
  package var exits: [ExitReason: UInt64] {
    cpus.reduce(into: [:]) { $0.merge($1.exits, uniquingKeysWith: { $0.saturatingAdd($1) }) }
  }
  /// CPU time of each vCPU's thread in nanoseconds.
  package var cpuNanoseconds: [UInt64] { cpus.map(\.runNanoseconds) }

  /// Reads a meter.
  ///
  /// - Returns: nil when the file is no meter, one of another version, or one that is not yet filled.
  package init?(of file: borrowing Descriptor) throws(SystemCallError) {
    self.init(try file.read(count: min(Int(clamping: try file.status().size), 4 << 20), at: 0))
  }

  /// Reads a meter's bytes; nil as above.
  package init?(_ bytes: [UInt8]) {
    guard let words = MeterWords(bytes) else { return nil }
    let guest = words.guest
    guard let state = GuestState(rawValue: guest[.state]) else { return nil }

    run = [guest[.run], guest[.run, 1]].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
    startedSince1970 = guest[.started]
    process = Int32(truncatingIfNeeded: guest[.process])

    memoryBytes = guest[.memory]
    memoryLimitBytes = guest[.memoryLimit] == 0 ? nil : guest[.memoryLimit]
    balloonTargetBytes = guest[.balloonTarget]
    let quota = guest[.cpuQuota]
    cpuQuota =
      quota == 0 || guest[.cpuPeriod] == 0
      ? nil
      : CPUQuota(nanoseconds: quota, periodNanoseconds: guest[.cpuPeriod], burstNanoseconds: guest[.cpuBurst])

    self.state = state
    let verdict = guest[.verdict]
    self.verdict = verdict == 0 ? nil : (UInt32(truncatingIfNeeded: verdict), UInt32(verdict >> 32))
    sampled = guest[.sampled] == 0 ? nil : Instant(nanoseconds: guest[.sampled])
    sampledSince1970 = guest[.sampledSince1970]
    deviceNanoseconds = guest[.deviceTime]
    hostThrottledNanoseconds = guest[.hostThrottled]
    memoryGivenBytes = guest[.memoryGiven]
    residentBytes = guest[.resident]
    residentPeakBytes = guest[.residentPeak]
    residentByteSeconds = guest[.residentSeconds].saturatingTimes(1024)
    var phases: [Phase: Instant] = [:]
    for phase in Phase.allCases {
      let nanoseconds = guest[.phases, phase.rawValue]
      if nanoseconds != 0 { phases[phase] = Instant(nanoseconds: nanoseconds) }
    }
    self.phases = phases
    console = Dictionary(uniqueKeysWithValues: ConsoleCounter.allCases.map { ($0, guest[.console, $0.rawValue]) })
    viewers = guest[.viewers]
    markCount = guest[.markCount]
    marks = (0..<Int(min(markCount, UInt64(MeterLayout.markCapacity)))).compactMap { index in
      let (instant, rest) = (guest[.marks, 2 * index], guest[.marks, 2 * index + 1])
      guard instant != 0 else { return nil }
      return Mark(
        instant: Instant(nanoseconds: instant), source: UInt8(truncatingIfNeeded: rest >> 8),
        byte: UInt8(truncatingIfNeeded: rest))
    }

    cpus = words.cpus.map { cpu in
      CPU(
        exits: Dictionary(uniqueKeysWithValues: ExitReason.allCases.map { ($0, cpu[.exits, $0.rawValue]) }),
        runNanoseconds: cpu[.timeRun], throttledNanoseconds: cpu[.timeThrottled])
    }
    disks = words.disks.map { disk in
      Disk(
        read: Transfers(disk.part(.read)), written: Transfers(disk.part(.written)), flushes: disk[.flushes],
        discards: disk[.discards], limits: RateLimits(disk, .limits, .budget), isBudgetUsedUp: disk[.budgetUsedUp] != 0)
    }
    networks = words.networks.map { network in
      Network(received: .init(network.part(.received)), sent: .init(network.part(.sent)),
        limits: RateLimits(network, .limits, .budget), isBudgetUsedUp: network[.budgetUsedUp] != 0)
    }
  }
}

extension MeterReading {
  /// An instant of the meter's on the wall clock, in nanoseconds since 1970-01-01 00:00 UTC; nil where the VMM has not
  /// written down what ties them together.
  ///
  /// The clock of instants stands still while the host is suspended, and the wall clock can be set: so of the two ties,
  /// the start and the last sample, that one counts which is nearer.
  package func nanosecondsSince1970(_ instant: Instant) -> UInt64? {
    guard let start = phases[.processStarted] else { return nil }
    func distance(_ other: Instant) -> UInt64 {
      max(instant.nanoseconds(since: other), other.nanoseconds(since: instant))
    }
    if let sampled, sampledSince1970 != 0, distance(sampled) < distance(start) {
      return sampledSince1970.saturatingAdd(instant.nanoseconds(since: sampled))
        .saturatingSubtract(sampled.nanoseconds(since: instant))
    }
    return startedSince1970.saturatingAdd(instant.nanoseconds(since: start))
  }

  /// Whether a VMM, of whatever version, has filled a meter. Until then its first word, which is written last, is zero.
  package static func isFilled(_ file: borrowing Descriptor) throws(SystemCallError) -> Bool {
    try file.read(count: 8, at: UInt64(MeterLayout.Guest.magic.rawValue)).contains { $0 != 0 }
  }

  /// A guest's memory in bytes, read without the rest of its meter.
  ///
  /// - Returns: as ``init(of:)``.
  package static func memoryBytes(of file: borrowing Descriptor) throws(SystemCallError) -> UInt64? {
    let end = MeterLayout.Guest.memory.rawValue + 8
    let bytes = try file.read(count: end, at: 0)
    guard bytes.count == end else { return nil }
    func word(_ field: MeterLayout.Guest) -> UInt64 {
      bytes[field.rawValue..<field.rawValue + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    return word(.magic) == MeterLayout.magic && word(.version) == MeterLayout.version ? word(.memory) : nil
  }
}

extension RateLimits {
  /// As a meter shows them, every burst spelt out.
  fileprivate init<Field>(_ words: MeterWords.Part<Field>, _ limits: Field, _ budget: Field) {
    self.init()
    for quantity in Quantity.allCases where words[limits, 2 * quantity.rawValue] != 0 {
      self[.rate(quantity)] = words[limits, 2 * quantity.rawValue]
      self[.burst(quantity)] = words[limits, 2 * quantity.rawValue + 1]
    }
    self[.budget] = words[budget] == 0 ? nil : words[budget]
  }
}

extension MeterReading.Transfers {
  fileprivate init(_ words: MeterWords.Part<MeterLayout.Transfers>) {
    bytes = words[.bytes]
    requests = words[.requests]
    failures = words[.failures]
    throttledNanoseconds = words[.timeThrottled]
    latencyNanoseconds = words[.latencySum]
    var latencies = LatencyHistogram()
    for bucket in 0..<LatencyHistogram.bucketCount { latencies.counts[bucket] = words[.latencies, bucket] }
    self.latencies = latencies
  }
}

extension NetworkMeter.Direction {
  fileprivate init(_ words: MeterWords.Part<MeterLayout.Packets>) {
    self.init(
      packets: words[.packets], bytes: words[.bytes], drops: words[.drops], throttledNanoseconds: words[.timeThrottled])
  }
}
