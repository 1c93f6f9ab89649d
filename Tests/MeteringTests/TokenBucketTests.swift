import Host
import Testing

@testable import Metering

@Suite("Token bucket")
struct TokenBucketTests {
  private static func at(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: 1_000_000_000 + nanoseconds) }

  private func bucket(rate: UInt64, burst: UInt64, isFull: Bool = true) -> TokenBucket {
    TokenBucket(.init(rate: rate, burst: burst), isFull: isFull, at: Self.at(0))
  }

  @Test func theBurstIsThereAtOnceAndThenTheRate() {
    var bucket = bucket(rate: 1000, burst: 100)
    #expect(bucket.instant(for: 100) == nil)
    bucket.take(100)
    // The next token comes in a millisecond.
    #expect(bucket.instant(for: 1) == Self.at(1_000_000))
    bucket.fill(at: Self.at(999_999))
    #expect(bucket.instant(for: 1) == Self.at(1_000_000))
    bucket.fill(at: Self.at(1_000_000))
    #expect(bucket.instant(for: 1) == nil && bucket.level == 1)
    bucket.fill(at: Self.at(10_000_000_000))
    #expect(bucket.level == 100)
  }

  @Test func whatIsLargerThanTheBucketIsSpread() {
    var bucket = bucket(rate: 1_000_000, burst: 4096)
    #expect(bucket.instant(for: 1 << 20) == nil)
    bucket.take(1 << 20)
    #expect(bucket.level == 4096 - 1 << 20)
    // All that is owed, and a full bucket for the next one of that size.
    #expect(bucket.instant(for: 1 << 20) == Self.at((1 << 20) * 1000))
    #expect(bucket.instant(for: 1) == Self.at((1 << 20 - 4096 + 1) * 1000))
  }

  @Test("At the instant that is named there is enough, a nanosecond before there is not")
  func instantsAreExact() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let rate = UInt64.random(in: 1...(1 << UInt64.random(in: 1...40, using: &random)), using: &random)
      let burst = UInt64.random(in: 1...(1 << 30), using: &random)
      var bucket = bucket(rate: rate, burst: burst)
      bucket.take(UInt64.random(in: 0...2 * burst, using: &random))
      bucket.fill(at: Self.at(.random(in: 0...1_000_000, using: &random)))
      let cost = UInt64.random(in: 1...2 * burst, using: &random)
      guard let instant = bucket.instant(for: cost) else { continue }
      var (before, then) = (bucket, bucket)
      then.fill(at: instant)
      #expect(then.instant(for: cost) == nil)
      before.fill(at: Instant(nanoseconds: instant.nanoseconds - 1))
      #expect(before.instant(for: cost) == instant)
    }
  }

  @Test("No token is lost or won by looking often")
  func roundingAddsUp() {
    var bucket = bucket(rate: 333_333_333, burst: 1 << 60, isFull: false)
    for step in 1...100_000 as ClosedRange<UInt64> { bucket.fill(at: Self.at(step * 7)) }
    #expect(bucket.level == 333_333_333 * 700_000 / 1_000_000_000)
  }

  @Test func extremes() {
    var bucket = bucket(rate: .max, burst: .max, isFull: false)
    bucket.fill(at: Instant(nanoseconds: .max))
    #expect(bucket.level == .max)
    for _ in 0..<3 { bucket.take(.max) }
    #expect(bucket.level < 0 && bucket.instant(for: .max) != nil)
    var slow = TokenBucket(.init(rate: 1, burst: .max), isFull: false, at: Self.at(0))
    slow.take(.max)
    #expect(slow.instant(for: .max) == Instant(nanoseconds: .max))
  }

  @Test func aChangeKeepsTheLevel() {
    var bucket = bucket(rate: 1000, burst: 100)
    bucket.take(150)
    bucket.change(to: .init(rate: 10_000, burst: 10), at: Self.at(10_000_000))
    #expect(bucket.level == -40 && bucket.instant(for: 1) == Self.at(14_100_000))
    bucket.fill(at: Self.at(100_000_000))
    #expect(bucket.level == 10)
  }
}

@Suite("Limits of a device")
struct RateLimiterTests {
  private static func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: 1_000_000 * (1000 + milliseconds)) }

  private static func later(_ milliseconds: UInt64, _ bucket: RateLimits.Quantity) -> RateLimiter.Admission {
    .later(.init(until: at(milliseconds), bucket: bucket))
  }

  private func limiter(_ items: KeyValuePairs<RateLimits.Item, UInt64>) -> RateLimiter {
    var limits = RateLimits()
    for (item, value) in items { limits[item] = value }
    return RateLimiter(limits, at: Self.at(0))
  }

  @Test func withoutLimitsAllGoes() {
    let limiter = limiter([:])
    for _ in 0..<1000 { #expect(limiter.admit(.toGuest, bytes: .max / 2, at: Self.at(0)) == .now) }
    #expect(!limiter.isExhausted && !limiter.isShared)
  }

  @Test func directionsAreApart() {
    let limiter = limiter([.rate(.bytesFromGuest): 1000, .burst(.bytesFromGuest): 100])
    #expect(limiter.admit(.fromGuest, bytes: 100, at: Self.at(0)) == .now)
    #expect(limiter.admit(.fromGuest, bytes: 100, at: Self.at(0)) == Self.later(100, .bytesFromGuest))
    #expect(limiter.admit(.toGuest, bytes: 1 << 40, at: Self.at(0)) == .now)
    #expect(!limiter.isShared)
  }

  @Test("The strictest limit counts, and a refusal takes nothing")
  func severalLimits() {
    let limiter = limiter([
      .rate(.bytes): 1000, .burst(.bytes): 1000, .rate(.operationsToGuest): 10, .burst(.operationsToGuest): 1,
    ])
    #expect(limiter.isShared)
    #expect(limiter.admit(.toGuest, bytes: 100, at: Self.at(0)) == .now)
    for _ in 0..<5 {
      #expect(limiter.admit(.toGuest, bytes: 100, at: Self.at(0)) == Self.later(100, .operationsToGuest))
    }
    #expect(limiter.admit(.fromGuest, bytes: 900, at: Self.at(0)) == .now)
    #expect(limiter.admit(.toGuest, bytes: 500, at: Self.at(0)) == Self.later(500, .bytes))
  }

  /// Of a bucket of its own and one of both ways, who waits is told of the one that takes longer, and of the common one
  /// where that is the same.
  @Test(arguments: [(500, .bytesFromGuest), (1000, .bytes), (2000, .bytes)] as [(UInt64, RateLimits.Quantity)])
  func theLastBucketIsNamed(own: UInt64, bucket: RateLimits.Quantity) {
    let limiter = limiter([
      .rate(.bytes): 1000, .burst(.bytes): 100, .rate(.bytesFromGuest): own, .burst(.bytesFromGuest): 100,
    ])
    #expect(limiter.admit(.fromGuest, bytes: 100, at: Self.at(0)) == .now)
    guard case .later(let wait) = limiter.admit(.fromGuest, bytes: 100, at: Self.at(0)) else {
      Issue.record("nothing holds it back")
      return
    }
    #expect(wait.bucket == bucket && wait.until == Self.at(own == 500 ? 200 : 100))
    #expect(wait.concerns(.fromGuest, bytes: 1) && wait.concerns(.toGuest, bytes: 1) == (bucket == .bytes))
    #expect(!wait.concerns(.toGuest, bytes: 0), "a flush takes no bytes")
  }

  /// Who waits for its own bucket has looked late; the other way still gets what came of the common one before that.
  @Test func aRefusalFillsNothing() {
    let limiter = limiter([
      .rate(.operations): 1000, .burst(.operations): 1, .rate(.operationsFromGuest): 1, .burst(.operationsFromGuest): 1,
    ])
    #expect(limiter.admit(.fromGuest, bytes: 1, at: Self.at(0)) == .now)
    #expect(limiter.admit(.fromGuest, bytes: 1, at: Self.at(3)) == Self.later(1000, .operationsFromGuest))
    for instant in 1...3 as ClosedRange<UInt64> {
      #expect(limiter.admit(.toGuest, bytes: 1, at: Self.at(instant)) == .now)
    }
  }

  @Test func aBudgetEndsForGood() {
    let limiter = limiter([.budget: 1000])
    #expect(limiter.admit(.toGuest, bytes: 600, at: Self.at(0)) == .now)
    #expect(limiter.admit(.fromGuest, bytes: 400, at: Self.at(0)) == .now)
    #expect(!limiter.isExhausted)
    #expect(limiter.admit(.fromGuest, bytes: 1, at: Self.at(0)) == .never)
    #expect(limiter.isExhausted)
    limiter.set(.budget, to: 2000, at: Self.at(0))
    #expect(limiter.admit(.fromGuest, bytes: 1000, at: Self.at(0)) == .now)
    #expect(limiter.admit(.fromGuest, bytes: 1, at: Self.at(0)) == .never)
    limiter.set(.budget, to: nil, at: Self.at(0))
    #expect(limiter.admit(.fromGuest, bytes: .max / 2, at: Self.at(0)) == .now)
  }

  @Test func aNewLimitBeginsEmpty() {
    let limiter = limiter([:])
    limiter.set(.rate(.operations), to: 100, at: Self.at(5))
    #expect(limiter.limits.limit(.operations) == .init(rate: 100, burst: 10))
    #expect(limiter.admit(.toGuest, bytes: 1, at: Self.at(5)) == Self.later(15, .operations))
    #expect(limiter.admit(.toGuest, bytes: 1, at: Self.at(15)) == .now)
    limiter.set(.burst(.operations), to: 1, at: Self.at(15))
    #expect(limiter.admit(.toGuest, bytes: 1, at: Self.at(16)) == Self.later(25, .operations))
    limiter.set(.rate(.operations), to: nil, at: Self.at(16))
    #expect(limiter.admit(.toGuest, bytes: 1, at: Self.at(16)) == .now)
  }

  @Test func itemsHaveTheirNumbers() {
    #expect(RateLimits.Item.all.map(\.number) == Array(0..<13))
  }
}

@Suite("A line before the limits")
struct LimitedLineTests {
  private static let start = Instant(nanoseconds: 5_000_000_000)

  /// A millisecond after that, when there is an operation again.
  private static func later(_ instant: Instant) -> RateLimiter.Admission {
    .later(.init(until: instant.advanced(byNanoseconds: 1_000_000), bucket: .operations))
  }

  private func limiter(_ items: KeyValuePairs<RateLimits.Item, UInt64>) -> RateLimiter {
    var limits = RateLimits()
    for (item, value) in items { limits[item] = value }
    return RateLimiter(limits, at: Self.start)
  }

  /// The time in which a hundred thousand requests go, each looked at up to 200 µs after the instant that was named, in
  /// nanoseconds.
  private func time(_ limiter: RateLimiter, bytes: UInt64) -> Double {
    var random = SystemRandomNumberGenerator()
    var line = LimitedLine()
    var now = Self.start
    for _ in 0..<100_000 {
      while case .later(let wait) = line.admit(limiter, .toGuest, bytes: bytes, at: now) {
        now = max(now, wait.until.advanced(byNanoseconds: .random(in: 0...200_000, using: &random)))
      }
    }
    return Double(now.nanoseconds(since: Self.start))
  }

  @Test("Timers that ring late cost no rate, however small the burst", arguments: [100, 1000, 10_000, 50_000])
  func lateTimers(rate: UInt64) {
    let due = 100_000 * 1e9 / Double(rate)
    let operations = limiter([.rate(.operations): rate, .burst(.operations): 1])
    #expect(abs(time(operations, bytes: 512) / due - 1) < 0.001)
    let bytes = limiter([.rate(.bytesToGuest): rate * 512, .burst(.bytesToGuest): 512])
    #expect(abs(time(bytes, bytes: 512) / due - 1) < 0.001)
    // One that costs more than the bucket holds.
    let large = limiter([.rate(.bytesToGuest): rate * 4096, .burst(.bytesToGuest): 512])
    #expect(abs(time(large, bytes: 4096) / due - 1) < 0.001)
  }

  @Test func whoDidNotWaitGetsNoMoreThanTheBurst() {
    let limiter = limiter([.rate(.operations): 1000, .burst(.operations): 1])
    var line = LimitedLine()
    var answers = (0..<2).map { _ in line.admit(limiter, .toGuest, bytes: 1, at: Self.start) }
    #expect(answers == [.now, Self.later(Self.start)])
    let later = Self.start.advanced(byNanoseconds: 50_000_000)
    answers = [line.admit(limiter, .toGuest, bytes: 1, at: later)]
    line.end()
    answers += (0..<2).map { _ in line.admit(limiter, .toGuest, bytes: 1, at: later) }
    #expect(answers == [.now, .now, Self.later(later)])
  }

  /// Two lines have a request each time, and the timer rings late; they take turns.
  @Test func whoYieldsCostsNoRate() {
    let limiter = limiter([.rate(.operations): 1000, .burst(.operations): 1])
    var lines = [LimitedLine(), LimitedLine()]
    var now = Self.start
    let first = lines[0].admit(limiter, .toGuest, bytes: 1, at: now)
    #expect(first == .now)
    for _ in 0..<10 {
      guard case .later(let wait) = lines[0].admit(limiter, .toGuest, bytes: 1, at: now) else { continue }
      lines[1].yield(until: wait.until)
      now = wait.until.advanced(byNanoseconds: 5_000_000)
      // At the instant that was promised, and then one each millisecond.
      for turn in 0..<6 {
        let direction: FlowDirection = turn % 2 == 0 ? .toGuest : .fromGuest
        let admission = lines[turn % 2].admit(limiter, direction, bytes: 1, at: now)
        #expect(admission == .now, "\(turn)")
      }
    }
    #expect(now == Self.start.advanced(byNanoseconds: 60_000_000))
  }

  @Test func whoWasAwayIsNotPaidForIt() {
    let limiter = limiter([.rate(.operations): 1000, .burst(.operations): 1])
    var line = LimitedLine()
    var admitted = 0
    while line.admit(limiter, .toGuest, bytes: 1, at: Self.start) == .now { admitted += 1 }
    let later = Self.start.advanced(byNanoseconds: 10_000_000_000)
    while line.admit(limiter, .toGuest, bytes: 1, at: later) == .now { admitted += 1 }
    #expect(admitted == 1 + 101)
  }
}
