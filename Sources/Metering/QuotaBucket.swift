import Host

/// The CPU time that a guest's vCPUs still have: filled up by the quota at the end of each period, a grid of absolute
/// instants from its start on.
///
/// A vCPU reserves time before it uses it, and gives back what it did not use. When it used more, because it could
/// not be stopped in time, the bucket owes: the next refill pays first, so that over many periods the quota is kept
/// exactly.
package struct QuotaBucket: Sendable {
  package private(set) var quota: CPUQuota
  /// In nanoseconds; below zero when vCPUs have used more than there was.
  package private(set) var balance: Int64
  private var nextRefill: Instant

  package init(_ quota: CPUQuota, at now: Instant) {
    self.quota = quota
    balance = Int64(clamping: quota.nanoseconds)
    nextRefill = now.advanced(byNanoseconds: quota.periodNanoseconds)
  }

  private var most: Int64 {
    Int64(clamping: quota.nanoseconds.addingReportingOverflow(quota.burstNanoseconds).partialValue)
  }

  /// Adds the shares of the periods that have ended.
  package mutating func refill(at now: Instant) {
    guard now >= nextRefill else { return }
    let periods = 1 + now.nanoseconds(since: nextRefill) / quota.periodNanoseconds
    nextRefill = nextRefill.advanced(byNanoseconds: periods * quota.periodNanoseconds)
    let (share, overflow) = Int64(clamping: periods).multipliedReportingOverflow(by: Int64(clamping: quota.nanoseconds))
    let (sum, overflowed) = balance.addingReportingOverflow(share)
    balance = overflow || overflowed ? most : min(sum, most)
  }

  /// Sets time aside for a vCPU. To be called when there is some.
  package mutating func reserve(_ nanoseconds: Int64) { balance -= nanoseconds }

  /// Takes a reservation back, with what of it, or more, was used.
  package mutating func settle(reserved: Int64, used: UInt64) {
    balance = min(balance + reserved - Int64(clamping: used), most)
  }

  /// When there is time again, after the refill that pays all that is owed.
  package var nextTime: Instant {
    guard balance <= 0 else { return Instant(nanoseconds: 0) }
    let later = balance.magnitude / quota.nanoseconds
    return nextRefill.advanced(byNanoseconds: later * quota.periodNanoseconds)
  }

  /// Goes on with another quota: what was saved up or is owed stays, and the new period begins now.
  package mutating func change(to quota: CPUQuota, at now: Instant) {
    refill(at: now)
    self.quota = quota
    balance = min(balance, most)
    nextRefill = now.advanced(byNanoseconds: quota.periodNanoseconds)
  }
}
