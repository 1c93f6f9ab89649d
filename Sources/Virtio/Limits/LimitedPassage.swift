import Host
import Metering

/// A network card's way under its limits: one packet each way is asked for at a time, and may have to wait.
struct LimitedPassage {
  private struct Way {
    /// How many bytes the packet at its head has that was let through, and counted, but may not have gone yet.
    var open: Int?
    var line = LimitedLine()
    /// Since when the packet at its head is held, and by what.
    var hold: (since: Instant, wait: RateLimiter.Wait)?
    /// Up to when its wait is in the meter.
    var counted = Instant(nanoseconds: 0)
  }

  private let limiter: RateLimiter
  private let meter: NetworkMeter?
  private var ways = InlineArray<2, Way>(repeating: Way())

  enum Answer { case open, held, closed }

  init(_ limiter: RateLimiter, _ meter: NetworkMeter?) {
    self.limiter = limiter
    self.meter = meter
  }

  /// Asks for the packet at a way's head, which stays the same until it has gone or is lost. However often that is, it
  /// is counted once.
  mutating func ask(_ direction: FlowDirection, bytes: Int, at now: Instant) -> Answer {
    let index = direction.rawValue
    if ways[index].open != nil { return .open }
    let held = ways[index].hold
    if held != nil {
      meter?.countThrottled(direction, nanoseconds: now.nanoseconds(since: ways[index].counted))
    }
    ways[index].counted = now
    ways[index].hold = nil
    let since = held?.since ?? now
    if let other = ways[1 - index].hold, other.since < since,
      comesFirst(other.wait, direction, bytes: bytes, at: now)
    {
      let until = max(since, other.wait.until)
      ways[index].line.yield(until: until)
      ways[index].hold = (since, RateLimiter.Wait(until: until, bucket: other.wait.bucket))
      return .held
    }
    switch ways[index].line.admit(limiter, direction, bytes: UInt64(bytes), at: now) {
    case .now:
      ways[index].open = bytes
      return .open
    case .later(let wait):
      ways[index].hold = (since, wait)
      return .held
    case .never: return .closed
    }
  }

  /// Whether the other way's packet, which has waited longer, goes before a packet that way. It does as long as it
  /// waits for a bucket of both, or the first to ask would have every token; and when its time has come, until it has
  /// asked. While it waits for a bucket of its own it needs none of the shared tokens.
  private func comesFirst(
    _ wait: RateLimiter.Wait, _ direction: FlowDirection, bytes: Int, at now: Instant
  ) -> Bool {
    limiter.isShared && (wait.concerns(direction, bytes: UInt64(bytes)) || wait.until <= now)
  }

  /// The packet that was let through has gone.
  mutating func leave(_ direction: FlowDirection) { ways[direction.rawValue].open = nil }

  /// The packet that was let through is lost: it is not in the budget any more.
  mutating func lose(_ direction: FlowDirection) {
    if let bytes = ways[direction.rawValue].open { limiter.giveBack(bytes: UInt64(bytes)) }
    leave(direction)
  }

  /// No packet is there, or not for the limits' sake.
  mutating func rest(_ direction: FlowDirection) {
    ways[direction.rawValue].line.end()
    ways[direction.rawValue].hold = nil
  }

  func isHeld(_ direction: FlowDirection) -> Bool { ways[direction.rawValue].hold != nil }

  /// When the first of the two may go on; nil when none is held.
  var wakeAt: Instant? { RateLimiter.Wait.end(ofFirst: ways[0].hold?.wait, ways[1].hold?.wait) }
}
