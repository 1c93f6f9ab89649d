import Testing

@testable import Machine

@Suite("Guests that are halted for good")
struct HaltWatchTests {
  private let millisecond: UInt64 = 1_000_000

  @Test func aBusyGuestIsNotAsked() {
    var watch = HaltWatch()
    for look in 1...20 as ClosedRange<UInt64> {
      #expect(watch.look(cpuTime: look * 2 * millisecond) == .busy)
      #expect(watch.nextInterval == 100 * millisecond)
    }
  }

  @Test func anIdleGuestIsAskedEverMoreSeldom() {
    var watch = HaltWatch()
    _ = watch.look(cpuTime: 50 * millisecond)
    var intervals: [UInt64] = []
    for round in 1...10 as ClosedRange<UInt64> {
      // Being asked costs a little.
      #expect(watch.look(cpuTime: 50 * millisecond + round * millisecond / 2) == .idle)
      intervals.append(watch.nextInterval / millisecond)
    }
    #expect(intervals == [200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000, 5000])
  }

  @Test func workBringsTheWatchBack() {
    var watch = HaltWatch()
    for _ in 1...8 { _ = watch.look(cpuTime: 0) }
    #expect(watch.look(cpuTime: 2 * millisecond) == .busy)
    #expect(watch.nextInterval == 100 * millisecond)
    #expect(watch.look(cpuTime: 3 * millisecond) == .idle)
  }

  /// A guest that waits for its next interrupt is asked once, then looked at ever less often.
  @Test func aGuestThatSleepsIsLeftAlone() {
    var watch = HaltWatch()
    #expect(watch.look(cpuTime: 0) == .idle)
    watch.conclude(isWaiting: true, cpuTime: 50_000)
    var intervals = [watch.nextInterval]
    for _ in 0..<8 {
      #expect(watch.look(cpuTime: 50_000) == .asleep)
      intervals.append(watch.nextInterval)
    }
    #expect(intervals == [200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000].map { $0 * millisecond })
    // It may have halted for good since.
    #expect(watch.look(cpuTime: 60_000) == .idle)
    #expect(watch.look(cpuTime: 5 * millisecond) == .busy)
    #expect(watch.nextInterval == 100 * millisecond)
  }

  @Test func whoDoesNotAnswerIsAskedAgain() {
    var watch = HaltWatch()
    #expect(watch.look(cpuTime: 0) == .idle)
    watch.conclude(isWaiting: false, cpuTime: 0)
    #expect(watch.look(cpuTime: 0) == .idle)
  }

  @Test func whoWorksWhileItIsAskedIsLookedAtSoon() {
    var watch = HaltWatch()
    for _ in 0..<10 { _ = watch.look(cpuTime: 0) }
    watch.conclude(isWaiting: true, cpuTime: 10 * millisecond)
    #expect(watch.nextInterval == 100 * millisecond)
  }
}
