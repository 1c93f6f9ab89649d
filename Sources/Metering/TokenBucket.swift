import Host

/// Tokens that come at a steady rate and are saved up to a burst: the classic limiter of bytes or operations.
///
/// A cost larger than the burst is taken when the bucket is full, and owed: what comes next waits until that is paid.
/// So it is spread over time, and over time the rate is exact.
package struct TokenBucket: Sendable {
  package struct Limit: Equatable, Sendable {
    /// Tokens a second, above 0.
    package var rate: UInt64
    /// The most that are saved up, above 0.
    package var burst: UInt64

    package init(rate: UInt64, burst: UInt64) {
      self.rate = rate
      self.burst = burst
    }
  }

  package private(set) var limit: Limit
  /// Whole tokens, below zero when some are owed, and billionths of one.
  package private(set) var level: Int64
  private var fraction: UInt64 = 0
  private var filled: Instant

  private static let unit: UInt64 = 1_000_000_000

  /// - Parameter isFull: whether there is a whole burst to begin with, or nothing.
  package init(_ limit: Limit, isFull: Bool, at now: Instant) {
    self.limit = limit
    level = isFull ? Int64(clamping: limit.burst) : 0
    filled = now
  }

  /// Adds what has come since the last time.
  package mutating func fill(at now: Instant) {
    let (high, low) = limit.rate.multipliedFullWidth(by: now.nanoseconds(since: filled))
    filled = max(filled, now)
    let (sum, carry) = low.addingReportingOverflow(fraction)
    let upper = high + (carry ? 1 : 0)
    // Beyond 64 bits of tokens any bucket is full.
    var come = Int64.max
    if upper < Self.unit {
      let (tokens, rest) = Self.unit.dividingFullWidth((upper, sum))
      fraction = rest
      come = Int64(clamping: tokens)
    }
    let (new, overflow) = level.addingReportingOverflow(come)
    let most = Int64(clamping: limit.burst)
    if overflow || new >= most {
      level = most
      fraction = 0
    } else {
      level = new
    }
  }

  /// When a cost can be taken, of a bucket that was just filled; nil: now.
  package func instant(for cost: UInt64) -> Instant? {
    let needed = Int64(clamping: min(cost, limit.burst))
    guard level < needed else { return nil }
    // Rounded up: at that instant the last token is whole.
    let missing = level < 0 ? UInt64(needed) + level.magnitude : UInt64(needed - level)
    let (high, low) = missing.multipliedFullWidth(by: Self.unit)
    let (sum, borrow) = low.subtractingReportingOverflow(fraction)
    let upper = high - (borrow ? 1 : 0)
    guard upper < limit.rate else { return Instant(nanoseconds: .max) }
    let (quotient, rest) = limit.rate.dividingFullWidth((upper, sum))
    return filled.advanced(byNanoseconds: quotient).advanced(byNanoseconds: rest > 0 ? 1 : 0)
  }

  package mutating func take(_ cost: UInt64) {
    let (new, overflow) = level.subtractingReportingOverflow(Int64(clamping: cost))
    level = overflow ? .min : new
  }

  /// Goes on with another limit: what was saved up, as far as there is room for it, or is owed stays.
  package mutating func change(to limit: Limit, at now: Instant) {
    fill(at: now)
    self.limit = limit
    level = min(level, Int64(clamping: limit.burst))
  }
}
