/// How much CPU time a guest's vCPUs together may use.
package struct CPUQuota: Equatable, Sendable {
  /// CPU time in each period, in nanoseconds; more than the period where several vCPUs share it.
  package var nanoseconds: UInt64
  /// Wall time between two refills, in nanoseconds.
  package var periodNanoseconds: UInt64
  /// CPU time that may be saved up beyond one period's share, in nanoseconds.
  package var burstNanoseconds: UInt64

  package static let defaultPeriod: UInt64 = 10_000_000

  package init(nanoseconds: UInt64, periodNanoseconds: UInt64 = defaultPeriod, burstNanoseconds: UInt64 = 0) {
    self.nanoseconds = nanoseconds
    self.periodNanoseconds = periodNanoseconds
    self.burstNanoseconds = burstNanoseconds
  }

  /// Hundredths of a per cent of one CPU: 2,500 is a quarter. The period is above 0.
  package var basisPoints: UInt64 {
    nanoseconds.saturatingTimes(10_000).saturatingAdd(periodNanoseconds / 2) / periodNanoseconds
  }
}
