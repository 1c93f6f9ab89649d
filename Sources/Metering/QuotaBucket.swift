import Host

/// The CPU time that a guest's vCPUs still have: filled up by the quota at the end of each period, a grid of absolute
/// instants from its start on.
///
/// A vCPU reserves time before it uses it, and gives back what it did not use. When it used more, because it could
/// not be stopped in time, the vCPUs owe it: the next refills pay first, so that over many periods the quota is kept
/// exactly. They leave half of a share to be used, so that nobody stands still for periods for having been stopped
/// late once; but where that would not bring in what is owed, they pay all.
package struct QuotaBucket: Sendable {
  /// Nil: there is no limit now. Then nothing is added, and what is owed stays owed.
  package private(set) var quota: CPUQuota?
  /// What is neither used nor reserved, in nanoseconds; below zero when vCPUs have used or reserved more than there is.
  package private(set) var balance: Int64 = 0
  /// What vCPUs have set aside and not settled, in nanoseconds.
  private var reserved: Int64 = 0
  /// What was used too much in earlier periods and is still to be paid, in nanoseconds.
  package private(set) var owed: Int64 = 0
  private var nextRefill: Instant
  /// How often a period has begun since the bucket was made, those that nobody saw begin not counted.
  package private(set) var refills: UInt64 = 0

  package init(_ quota: CPUQuota?, at now: Instant) {
    nextRefill = now
    change(to: quota, at: now)
  }

  private var most: Int64 {
    guard let quota else { return 0 }
    return Int64(clamping: quota.nanoseconds.addingReportingOverflow(quota.burstNanoseconds).partialValue)
  }

  /// Shares that may be owed while there is time to use: what is owed beyond cannot wait. At 5 % and 250 ticks a second
  /// they are two ticks.
  private static let shareCountOwed: UInt64 = 16
  private var mostOwed: Int64 { Int64(clamping: (quota?.nanoseconds ?? 0).saturatingTimes(Self.shareCountOwed)) }

  /// Adds the shares of the periods that have ended.
  package mutating func refill(at now: Instant) {
    guard let quota, now >= nextRefill else { return }
    let periods = 1 + now.nanoseconds(since: nextRefill) / quota.periodNanoseconds
    nextRefill = nextRefill.advanced(byNanoseconds: periods * quota.periodNanoseconds)
    refills += 1
    add(Int64(clamping: periods.saturatingTimes(quota.nanoseconds)), leaving: Int64(clamping: quota.nanoseconds / 2))
  }

  /// What was used beyond all that there was in this period, in nanoseconds. What is only reserved may come back.
  private var overdrawn: Int64 { max(0, -(balance + reserved)) }

  /// Adds time, and pays with it and with what is left what is owed.
  ///
  /// - Parameters:
  ///   - time: below zero: takes so much back.
  ///   - part: is left to be used, where what is owed can wait.
  private mutating func add(_ time: Int64, leaving part: Int64) {
    let debt = overdrawn
    owed += debt
    let (total, overflow) = (balance + debt).addingReportingOverflow(time)
    let sum = overflow ? .max : total
    let payment = max(0, min(owed, max(sum - part, min(sum, owed - mostOwed))))
    owed -= payment
    balance = min(sum - payment, most)
  }

  /// Sets time aside for a vCPU. To be called when there is some.
  package mutating func reserve(_ nanoseconds: Int64) {
    balance -= nanoseconds
    reserved += nanoseconds
  }

  /// Takes a reservation back, with what of it, or more, was used. What comes back and cannot be kept pays what is owed.
  package mutating func settle(reserved nanoseconds: Int64, used: UInt64) {
    reserved -= nanoseconds
    let sum = balance + nanoseconds - Int64(clamping: used)
    owed -= min(owed, max(0, sum - most))
    balance = min(sum, most)
  }

  /// When there is more: at the next refill, or at the first that leaves some.
  package var nextTime: Instant {
    guard let quota, balance <= 0 else { return nextRefill }
    let later = max(0, owed + overdrawn - mostOwed).magnitude / quota.nanoseconds
    return nextRefill.advanced(byNanoseconds: later * quota.periodNanoseconds)
  }

  /// Goes on with another quota, at once: a new period begins now with its share, and of the share that the old period
  /// began with the part for the time that was left of it is taken back. So all the time ever given is what the
  /// quotas come to over the time that each was in force, and at most a share more, however often they change.
  ///
  /// - Parameter new: nil: no limit. The same quota as before changes nothing.
  package mutating func change(to new: CPUQuota?, at now: Instant) {
    guard new != quota else { return }
    refill(at: now)
    let share = Int64(clamping: new?.nanoseconds ?? 0) - unearned(at: now)
    quota = new
    // A share that is given before its time pays all that is owed, or each change would give some.
    add(share, leaving: 0)
    nextRefill = now.advanced(byNanoseconds: new?.periodNanoseconds ?? 0)
    refills += 1
  }

  /// Of this period's share the part that goes with what is left of the period, in nanoseconds.
  private func unearned(at now: Instant) -> Int64 {
    guard let quota else { return 0 }
    let left = min(nextRefill.nanoseconds(since: now), quota.periodNanoseconds)
    // The quotient is the share at most, as the time left is the period at most.
    let product = quota.nanoseconds.multipliedFullWidth(by: left)
    return Int64(clamping: quota.periodNanoseconds.dividingFullWidth(product).quotient)
  }
}
