import Host
import Metering
import Testing

@testable import Virtio

extension RateLimiter {
  /// One with these limits, whose buckets are full.
  convenience init(_ items: KeyValuePairs<RateLimits.Item, UInt64>, at now: Instant = .now) {
    var limits = RateLimits()
    for (item, value) in items { limits[item] = value }
    self.init(limits, at: now)
  }
}

/// What waits before limits, by times that are made up: requests of a disk, and packets of a card.
@Suite("What waits for its turn")
struct LimitedOrderTests {
  private static let start = Instant(nanoseconds: 1_000_000_000)
  private static func at(_ milliseconds: UInt64) -> Instant { start.advanced(byNanoseconds: 1_000_000 * milliseconds) }

  /// The packets that go in two seconds, to the guest and from it, where both ways always have one. One way is always
  /// asked for first, and each time late.
  private func packets(
    _ items: KeyValuePairs<RateLimits.Item, UInt64>, first: FlowDirection, late: UInt64
  ) throws -> [Int] {
    var passage = LimitedPassage(RateLimiter(items, at: Self.start), nil)
    var (now, gone) = (Self.start, [0, 0])
    while now < Self.at(2000) {
      for direction in [first, first == .toGuest ? .fromGuest : .toGuest] {
        while passage.ask(direction, bytes: 100, at: now) == .open {
          gone[direction.rawValue] += 1
          passage.leave(direction)
        }
      }
      // As a timer that is armed for an instant which has passed rings at once.
      let wakeAt = try #require(passage.wakeAt)
      if wakeAt > now { now = wakeAt.advanced(byNanoseconds: late) }
    }
    return gone
  }

  @Test(arguments: FlowDirection.allCases, [0, 60_000] as [UInt64])
  func twoWaysShareABucketEvenly(first: FlowDirection, late: UInt64) throws {
    let gone = try packets([.rate(.operations): 100, .burst(.operations): 1], first: first, late: late)
    #expect(abs(gone[0] - gone[1]) <= 3 && (200...202).contains(gone[0] + gone[1]), "\(gone)")
  }

  /// Besides the limit of both ways there is one of what the guest sends: that holds up nothing that it receives, and
  /// what is left of the other goes to that.
  @Test(arguments: FlowDirection.allCases, [0, 60_000] as [UInt64])
  func aWayWaitsForItsOwnBucketAlone(first: FlowDirection, late: UInt64) throws {
    let small: KeyValuePairs<RateLimits.Item, UInt64> = [
      .rate(.operations): 1000, .burst(.operations): 1,
      .rate(.operationsFromGuest): 10, .burst(.operationsFromGuest): 1,
    ]
    var gone = try packets(small, first: first, late: late)
    #expect((1975...1985).contains(gone[0]) && (19...21).contains(gone[1]), "\(gone)")
    // And it gets its share of the common bucket when its time has come, whoever asks first.
    let half: KeyValuePairs<RateLimits.Item, UInt64> = [
      .rate(.operations): 100, .burst(.operations): 1,
      .rate(.operationsFromGuest): 50, .burst(.operationsFromGuest): 1,
    ]
    gone = try packets(half, first: first, late: late)
    #expect(abs(gone[0] - gone[1]) <= 3 && (199...202).contains(gone[0] + gone[1]), "\(gone)")
  }

  /// Requests of 512 bytes before limits, at times in milliseconds.
  private final class Requests {
    private var held: HeldRequests

    init(_ limiter: RateLimiter, _ meter: DiskMeter? = nil) { held = HeldRequests(limiter, meter) }

    var wakeAt: Instant? { held.wakeAt }

    /// - Returns: whether it may go, nil when it has to wait.
    func admit(_ tag: Int, _ direction: FlowDirection, at time: UInt64) -> Bool? {
      switch held.admit(.init(tag: tag, direction: direction, bytes: 512), at: LimitedOrderTests.at(time)) {
      case .now: true
      case .later: nil
      case .never: false
      }
    }

    /// - Returns: the tags of those that may go.
    func release(at now: Instant) -> [Int] {
      held.release(at: now).filter(\.isAllowed).map(\.request.tag)
    }
  }

  /// A limit of both ways is there too, and has plenty for the reads.
  @Test func readsDoNotWaitForTheWritesOwnLimit() {
    let items: KeyValuePairs<RateLimits.Item, UInt64> = [
      .rate(.operations): 1000, .burst(.operations): 3, .rate(.bytesFromGuest): 512, .burst(.bytesFromGuest): 512,
    ]
    let requests = Requests(RateLimiter(items, at: Self.start))
    #expect(requests.admit(0, .fromGuest, at: 0) == true)
    for tag in 1...2 { #expect(requests.admit(tag, .fromGuest, at: 0) == nil) }
    for tag in 3...4 { #expect(requests.admit(tag, .toGuest, at: 0) == true) }
    // The common one is used up: the read waits for that alone.
    #expect(requests.admit(5, .toGuest, at: 0) == nil)
    #expect(requests.wakeAt == Self.at(1))
    #expect(requests.release(at: Self.at(1)) == [5])
    #expect(requests.wakeAt == Self.at(1000))
    // When the write's time has come, it is the older one.
    for tag in 6...8 { #expect(requests.admit(tag, .toGuest, at: 999) == true) }
    #expect(requests.admit(9, .toGuest, at: 999) == nil)
    for (time, tag) in [(1000, 1), (1001, 9), (2000, 2)] as [(UInt64, Int)] {
      #expect(requests.wakeAt == Self.at(time))
      #expect(requests.release(at: Self.at(time)) == [tag])
    }
    #expect(requests.wakeAt == nil)
  }

  /// Though each time is looked at 5 ms late.
  @Test func aSharedLimitKeepsOrderAndRate() {
    let requests = Requests(RateLimiter([.rate(.operations): 1000, .burst(.operations): 1], at: Self.start))
    for tag in 0..<40 {
      #expect(requests.admit(tag, tag % 3 == 0 ? .toGuest : .fromGuest, at: 0) == (tag == 0 ? true : nil))
    }
    var (tags, now): ([Int], Instant) = ([], Self.start)
    while let wakeAt = requests.wakeAt {
      now = wakeAt.advanced(byNanoseconds: 5_000_000)
      tags += requests.release(at: now)
    }
    #expect(tags == Array(1..<40) && now <= Self.at(39 + 5))
  }

  @Test func aBudgetThatIsUsedUpHoldsNothing() {
    let requests = Requests(RateLimiter([.rate(.operations): 1000, .burst(.operations): 1, .budget: 1024], at: Self.start))
    for tag in 0..<4 {
      #expect(requests.admit(tag, tag % 2 == 0 ? .toGuest : .fromGuest, at: 0) == (tag == 0 ? true : nil))
    }
    #expect(requests.release(at: Self.at(1)) == [1])
    #expect(requests.wakeAt == nil, "the others are refused")
    #expect(requests.admit(4, .toGuest, at: 1) == false)
  }

  /// Of a limit that both share each has the time for which its own first request was held.
  @Test func eachDirectionHasItsOwnWaits() throws {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1, diskCount: 1), memoryBytes: 0,
      process: 1)
    let limiter = RateLimiter([.rate(.operations): 50, .burst(.operations): 1], at: Self.start)
    let requests = Requests(limiter, page.disk(0))
    for tag in 0..<3 { _ = requests.admit(tag, tag < 2 ? .fromGuest : .toGuest, at: 0) }
    #expect(requests.release(at: Self.at(20)) == [1])
    #expect(requests.release(at: Self.at(40)) == [2])
    let meter = try #require(try MeterReading(of: file.descriptor)).disks[0]
    #expect(meter.written.throttledNanoseconds == 20_000_000 && meter.read.throttledNanoseconds == 40_000_000)
  }
}
