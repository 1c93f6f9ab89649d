import Host
import Synchronization

/// Keeps a disk or a network card within its ``RateLimits``, which can change at any time.
package final class RateLimiter: Sendable {
  private struct State {
    var limits: RateLimits {
      didSet { isUnlimited = limits.isEmpty }
    }
    var isUnlimited: Bool
    /// By quantity.
    var buckets: [TokenBucket?]
    /// Bytes that were let through since the start, both ways.
    var used: UInt64 = 0
    /// The budget has once been too small for what was asked; it stays used up until it changes.
    var isExhausted = false
  }

  private let state: Mutex<State>

  package enum Admission: Equatable, Sendable {
    case now
    /// Ask again when that is over.
    case later(Wait)
    /// The budget is used up.
    case never
  }

  /// What holds an operation back.
  package struct Wait: Equatable, Sendable {
    package let until: Instant
    /// The bucket that is the last to have what the operation costs.
    package let bucket: RateLimits.Quantity

    package init(until: Instant, bucket: RateLimits.Quantity) {
      self.until = until
      self.bucket = bucket
    }

    /// When the first of two that may wait can go on; nil when none does.
    package static func end(ofFirst one: Wait?, _ other: Wait?) -> Instant? {
      guard let one, let other else { return (one ?? other)?.until }
      return min(one.until, other.until)
    }

    /// Whether a younger operation would take from the bucket that this one waits for, and so has to let it go first.
    ///
    /// Only the last bucket counts. Who waits longest for a bucket of its own has no use for shared tokens until then:
    /// were they kept for it, both ways would go no faster than its own limit. When its own bucket is full enough it
    /// may have to wait for a shared one, and only then, for no longer than that bucket takes, the other way waits too.
    package func concerns(_ direction: FlowDirection, bytes: UInt64) -> Bool {
      bucket.counts(direction, bytes: bytes)
    }
  }

  package init(_ limits: RateLimits, at now: Instant) {
    let buckets = RateLimits.Quantity.allCases.map { quantity in
      limits.limit(quantity).map { TokenBucket($0, isFull: true, at: now) }
    }
    state = Mutex(State(limits: limits, isUnlimited: limits.isEmpty, buckets: buckets))
  }

  package var limits: RateLimits { state.withLock { $0.limits } }
  package var isExhausted: Bool { state.withLock { $0.isExhausted } }
  /// Whether both directions have a limit in common, so that one may have to wait for the other.
  package var isShared: Bool {
    state.withLock { $0.limits[.rate(.bytes)] != nil || $0.limits[.rate(.operations)] != nil }
  }

  /// Whether there is a limit of how many operations go that way.
  package func countsOperations(_ direction: FlowDirection) -> Bool {
    state.withLock { state in
      RateLimits.Quantity.allCases.contains {
        !$0.isOfBytes && $0.counts(direction) && state.buckets[$0.rawValue] != nil
      }
    }
  }

  /// Asks for an operation to go through: a request, or a packet. When it may go now, it has been counted.
  ///
  /// - Parameter bytes: that it moves. Without any it needs neither a bucket of bytes nor the budget.
  package func admit(_ direction: FlowDirection, bytes: UInt64, at now: Instant) -> Admission {
    state.withLock { state in
      if state.isUnlimited {
        state.used &+= bytes
        return .now
      }
      if let budget = state.limits[.budget], bytes > 0,
        state.isExhausted || bytes > budget - min(budget, state.used)
      {
        state.isExhausted = true
        return .never
      }
      var wait: Wait?
      for quantity in RateLimits.Quantity.allCases where quantity.counts(direction, bytes: bytes) {
        // A copy is filled: a bucket that is full now would lose what the other way may still take as of earlier.
        guard var bucket = state.buckets[quantity.rawValue] else { continue }
        bucket.fill(at: now)
        guard let instant = bucket.instant(for: quantity.isOfBytes ? bytes : 1) else { continue }
        // Of bytes that are there at the same instant, those of both ways come last.
        if instant >= wait?.until ?? instant { wait = Wait(until: instant, bucket: quantity) }
      }
      if let wait { return .later(wait) }
      for quantity in RateLimits.Quantity.allCases where quantity.counts(direction, bytes: bytes) {
        state.buckets[quantity.rawValue]?.fill(at: now)
        state.buckets[quantity.rawValue]?.take(quantity.isOfBytes ? bytes : 1)
      }
      state.used &+= bytes
      return .now
    }
  }

  /// Takes bytes out of the budget's account again that were let through and then went nowhere. The buckets keep what
  /// they were given: a guest whose packets nobody takes must not keep the host busier than its rate allows.
  package func giveBack(bytes: UInt64) { state.withLock { $0.used -= min($0.used, bytes) } }

  /// Changes one number. A bucket that is there goes on with what it has; a new one begins empty.
  ///
  /// - Parameter value: nil: no limit.
  package func set(_ item: RateLimits.Item, to value: UInt64?, at now: Instant) {
    state.withLock { state in
      state.limits[item] = value
      switch item {
      case .budget: state.isExhausted = false
      case .rate(let quantity), .burst(let quantity):
        let index = quantity.rawValue
        guard let limit = state.limits.limit(quantity) else {
          state.buckets[index] = nil
          return
        }
        if state.buckets[index] == nil {
          state.buckets[index] = TokenBucket(limit, isFull: false, at: now)
        } else {
          state.buckets[index]?.change(to: limit, at: now)
        }
      }
    }
  }
}
