import Host

/// What stands in line before a ``RateLimiter``, one behind the other.
///
/// A timer rings late, and a bucket that is full then has lost what came meanwhile: with a burst of one request and
/// 1000 a second, 60 µs of every millisecond. So what has waited goes as of the instant that it was promised, and the
/// next in line as of the instant at which it could have gone after that, up to now: over time the rate is exact.
package struct LimitedLine: Sendable {
  /// As of when the line's head goes, or what was before it went; nil: nothing has waited.
  private var due: Instant?

  /// Who was kept from looking for longer than this was not late but away, and what came meanwhile is lost as it is for
  /// a full bucket. It is what the usual burst comes in.
  static let mostLate: UInt64 = 100_000_000

  package init() {}

  /// Asks for the line's head to go through, as ``RateLimiter/admit(_:bytes:at:)``.
  package mutating func admit(
    _ limiter: RateLimiter, _ direction: FlowDirection, bytes: UInt64, at now: Instant
  ) -> RateLimiter.Admission {
    let earliest = Instant(nanoseconds: now.nanoseconds - min(now.nanoseconds, Self.mostLate))
    var time = min(now, max(due ?? now, earliest))
    while true {
      let admission = limiter.admit(direction, bytes: bytes, at: time)
      guard case .later(let wait) = admission else {
        if due != nil { due = time }
        return admission
      }
      due = wait.until
      guard wait.until <= now, wait.until > time else { return admission }
      time = wait.until
    }
  }

  /// Has the line's head wait for another line's, which is older: it goes as of the instant that was promised to that
  /// one, as if it stood behind it. Together they lose no rate then.
  package mutating func yield(until instant: Instant) { due = instant }

  /// Nothing stands in line any more: who comes next has not waited.
  package mutating func end() { due = nil }
}
