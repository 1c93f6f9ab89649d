import Metering

/// What a guest's vCPUs may use of the host's CPUs.
package struct CPUAllotment: Equatable, Sendable {
  /// Hundredths of a per cent of one CPU, for all vCPUs together; nil: no limit.
  package var quotaBasisPoints: UInt64?
  /// Wall time in which the quota is kept, in nanoseconds.
  package var periodNanoseconds = CPUQuota.defaultPeriod
  /// CPU time that may be saved up beyond the quota of one period, in nanoseconds.
  package var burstNanoseconds: UInt64 = 0
  /// How much of a busy host's CPUs the VMM gets beside its neighbours in the host's control groups; nil: like any
  /// other.
  package var weight: UInt64?
  /// The host's CPUs that vCPUs stay on, one after the other, and from the first again; none: wherever the host puts
  /// them.
  package var pinnedCPUs: [Int] = []

  package init() {}

  package static let periods: ClosedRange<UInt64> = 1_000_000...1_000_000_000
  static let mostBurst: UInt64 = 60_000_000_000
  package static let leastQuota: UInt64 = 100
  /// As cgroup v2 has them (cpu.weight).
  static let weights: ClosedRange<UInt64> = 1...10_000
  private static let weightRange = "a weight is 1 to 10000; 100 is everybody's"

  /// The quota as vCPUs are held to it.
  package var quota: CPUQuota? {
    quotaBasisPoints.map {
      CPUQuota(
        nanoseconds: $0 * periodNanoseconds / 10_000, periodNanoseconds: periodNanoseconds,
        burstNanoseconds: burstNanoseconds)
    }
  }

  /// Checks what can be known without the host.
  package func check(cpuCount: Int) throws(ConfigurationError) {
    if let quotaBasisPoints {
      let option = "--cpu-quota \(Percentage.format(quotaBasisPoints))"
      guard quotaBasisPoints >= Self.leastQuota else { throw ConfigurationError(option, "the least is 1% of a CPU") }
      let most = UInt64(clamping: cpuCount) * 10_000
      guard quotaBasisPoints <= most else {
        throw ConfigurationError(option, "the guest's CPUs can use \(Percentage.format(most)) at most")
      }
    }
    guard Self.periods.contains(periodNanoseconds) else {
      throw ConfigurationError("--cpu-period \(TimeSpan.format(periodNanoseconds))", "a period is 1ms to 1s")
    }
    guard burstNanoseconds <= Self.mostBurst else {
      throw ConfigurationError("--cpu-burst \(TimeSpan.format(burstNanoseconds))", "a burst is 60s at most")
    }
    if let weight, !Self.weights.contains(weight) {
      throw ConfigurationError("--cpu-weight \(weight)", Self.weightRange)
    }
    if quotaBasisPoints == nil, burstNanoseconds > 0 || periodNanoseconds != CPUQuota.defaultPeriod {
      let option = burstNanoseconds > 0 ? "--cpu-burst" : "--cpu-period"
      throw ConfigurationError(option, "it goes with --cpu-quota")
    }
  }
}

extension CPUAllotment {
  package static func parseQuota(_ text: String, option: String) throws(ConfigurationError) -> UInt64 {
    guard let share = Percentage.parse(text) else {
      throw ConfigurationError(option, "give a share of one CPU, like 25%; 150% are one and a half")
    }
    return share
  }

  package static func parseSpan(_ text: String, option: String) throws(ConfigurationError) -> UInt64 {
    guard let span = TimeSpan.parse(text) else {
      throw ConfigurationError(option, "give a time like 500us, 10ms or 1s")
    }
    return span
  }

  package static func parseWeight(_ text: String, option: String) throws(ConfigurationError) -> UInt64 {
    guard let weight = UInt64(text), weights.contains(weight) else {
      throw ConfigurationError(option, Self.weightRange)
    }
    return weight
  }

  /// Reads a list like "0,2-3".
  static func parseCPUs(_ text: String, option: String) throws(ConfigurationError) -> [Int] {
    var cpus: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends.last ?? nil, (0...4095).contains(first),
        (first...max(first, 4095)).contains(last)
      else { throw ConfigurationError(option, "give numbers of the host's CPUs, like 0,2-3") }
      cpus += first...last
    }
    return cpus
  }
}
