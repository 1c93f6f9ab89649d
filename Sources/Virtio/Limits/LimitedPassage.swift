import Host
import Metering

/// A network card's way under its limits: one packet each way is asked for at a time, and may have to wait.
struct LimitedPassage {
  private struct Way {
    /// The packet at its head has been let through, and counted, but may not have gone yet.
    var isOpen = false
    var line = LimitedLine()
    /// When it may go on; nil: it is not held.
    var until: Instant?
    /// Since when the packet at its head is held.
    var since: Instant?
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

  /// Asks for the packet at a way's head. However often that is, until ``leave(_:)`` it is counted once.
  mutating func ask(_ direction: FlowDirection, bytes: Int, at now: Instant) -> Answer {
    let index = direction.rawValue
    if ways[index].isOpen { return .open }
    if ways[index].until != nil {
      meter?.countThrottled(direction, nanoseconds: now.nanoseconds(since: ways[index].counted))
    }
    ways[index].counted = now
    ways[index].until = nil
    // Of two that wait for one bucket, the one goes that has waited longer: the first to ask would have every token.
    let (since, other) = (ways[index].since ?? now, ways[1 - index])
    if let until = other.until, let theirs = other.since, theirs < since, limiter.isShared {
      (ways[index].since, ways[index].until) = (since, until)
      return .held
    }
    ways[index].since = nil
    switch ways[index].line.admit(limiter, direction, bytes: UInt64(bytes), at: now) {
    case .now:
      ways[index].isOpen = true
      return .open
    case .later(let instant):
      (ways[index].since, ways[index].until) = (since, instant)
      return .held
    case .never: return .closed
    }
  }

  /// The packet has gone, or is lost.
  mutating func leave(_ direction: FlowDirection) { ways[direction.rawValue].isOpen = false }

  /// No packet is there, or not for the limits' sake.
  mutating func rest(_ direction: FlowDirection) {
    ways[direction.rawValue].line.end()
    (ways[direction.rawValue].since, ways[direction.rawValue].until) = (nil, nil)
  }

  func isHeld(_ direction: FlowDirection) -> Bool { ways[direction.rawValue].until != nil }

  /// When the first of the two may go on; nil when none is held.
  var wakeAt: Instant? {
    guard let one = ways[0].until, let other = ways[1].until else { return ways[0].until ?? ways[1].until }
    return min(one, other)
  }
}
