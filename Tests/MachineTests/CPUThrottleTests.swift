import Host
import Metering
import Testing

@testable import Machine

@Suite("The CPU time that vCPUs share")
struct CPUThrottleTests {
  private static func at(_ milliseconds: Double) -> Instant {
    Instant(nanoseconds: UInt64((1000 + milliseconds) * 1e6))
  }
  private static let quarter = CPUQuota(nanoseconds: 2_500_000)

  private func throttle(_ quota: CPUQuota?, cpus: Int = 1) -> CPUThrottle {
    CPUThrottle(quota, cpuCount: cpus, at: Self.at(0))
  }

  /// What a vCPU is told at a moment: nanoseconds that it may run, or until when it waits.
  private func answer(
    _ throttle: CPUThrottle, _ account: inout CPUThrottle.Account, cpuTime: UInt64, at milliseconds: Double
  ) -> (run: UInt64?, until: Instant?) {
    switch throttle.settle(&account, cpuTime: cpuTime, .work, at: Self.at(milliseconds)) {
    case .run(let nanoseconds): (nanoseconds, nil)
    case .wait(let instant): (nil, instant)
    case .unlimited, .runUnreserved: (nil, nil)
    }
  }

  /// Whether a vCPU at rest is left there.
  private func sleepsOn(
    _ throttle: CPUThrottle, _ account: inout CPUThrottle.Account, cpuTime: UInt64, at milliseconds: Double
  ) -> Bool {
    switch throttle.settle(&account, cpuTime: cpuTime, .rest, at: Self.at(milliseconds)) {
    case .runUnreserved: true
    case .run, .wait, .unlimited: false
    }
  }

  @Test("Who waited and is late finds its share, however often who was first comes back")
  func sharesOfThoseWhoWait() {
    let throttle = throttle(Self.quarter, cpus: 2)
    var first = throttle.account(cpuTime: 0)
    var second = throttle.account(cpuTime: 0)
    #expect(answer(throttle, &first, cpuTime: 0, at: 0).run == 1_250_000)
    #expect(answer(throttle, &second, cpuTime: 0, at: 0).run == 1_250_000)
    #expect(answer(throttle, &first, cpuTime: 1_250_000, at: 2).until == Self.at(10))
    #expect(answer(throttle, &second, cpuTime: 1_250_000, at: 2).until == Self.at(10))
    // The next period has begun. The first comes back early, and for what it has not used, and then for more.
    #expect(answer(throttle, &first, cpuTime: 1_250_000, at: 10).run == 1_250_000)
    #expect(answer(throttle, &first, cpuTime: 2_000_000, at: 10.75).run == 500_000)
    #expect(answer(throttle, &first, cpuTime: 2_500_000, at: 11.25).until == Self.at(20))
    #expect(answer(throttle, &second, cpuTime: 1_250_000, at: 15).run == 1_250_000)
    #expect(answer(throttle, &second, cpuTime: 2_500_000, at: 17).until == Self.at(20))
    // In the one after that the second is first.
    #expect(answer(throttle, &second, cpuTime: 2_500_000, at: 20).run == 1_250_000)
    #expect(answer(throttle, &second, cpuTime: 3_750_000, at: 21.25).until == Self.at(30))
    #expect(answer(throttle, &first, cpuTime: 2_500_000, at: 22).run == 1_250_000)
  }

  @Test("Another quota begins with a share for each, for those that wait too")
  func sharesOfAnotherQuota() {
    let throttle = throttle(Self.quarter, cpus: 2)
    var accounts = [throttle.account(cpuTime: 0), throttle.account(cpuTime: 0)]
    for index in 0..<2 { #expect(answer(throttle, &accounts[index], cpuTime: 0, at: 0).run == 1_250_000) }
    for index in 0..<2 { #expect(answer(throttle, &accounts[index], cpuTime: 1_250_000, at: 2).until == Self.at(10)) }
    // What was not earned of the old share is taken back: 2 of 2.5 ms, of 5.
    throttle.set(CPUQuota(nanoseconds: 5_000_000), at: Self.at(2))
    for index in 0..<2 { #expect(answer(throttle, &accounts[index], cpuTime: 1_250_000, at: 2).run == 1_500_000) }
  }

  @Test("What nobody waits for is there for who works")
  func sharesOfNobody() {
    let throttle = throttle(Self.quarter, cpus: 2)
    var worker = throttle.account(cpuTime: 0)
    var sleeper = throttle.account(cpuTime: 0)
    #expect(sleepsOn(throttle, &sleeper, cpuTime: 0, at: 0))
    var used: UInt64 = 0
    while let more = answer(throttle, &worker, cpuTime: used, at: 5).run { used += more }
    #expect(used >= 2_500_000 && used < 2_530_000)
    // Nothing is left, and one at rest sleeps on; one that has begun to work waits.
    #expect(sleepsOn(throttle, &sleeper, cpuTime: 10_000, at: 6))
    #expect(!sleepsOn(throttle, &sleeper, cpuTime: 105_000, at: 7), "it may use more and more")
    #expect(answer(throttle, &sleeper, cpuTime: 4_000_000, at: 8).until == Self.at(10))
  }

  @Test("Who waits for the next period leaves this one's time to others")
  func timeOfThoseWhoWaitForTheNext() {
    let throttle = throttle(Self.quarter, cpus: 2)
    var first = throttle.account(cpuTime: 0)
    var second = throttle.account(cpuTime: 0)
    #expect(answer(throttle, &first, cpuTime: 0, at: 0).run == 1_250_000)
    #expect(answer(throttle, &second, cpuTime: 0, at: 0).run == 1_250_000)
    #expect(answer(throttle, &first, cpuTime: 1_250_000, at: 1.25).until == Self.at(10))
    // The second, which works on, comes back for the half of its share that it has not used.
    #expect(answer(throttle, &second, cpuTime: 625_000, at: 2).run == 625_000)
  }

  /// vCPUs that always work, each on a CPU of its own, stopped up to 0.2 ms late; and a quota that changes at any time,
  /// which they hear of up to 0.5 ms later.
  @Test("However a quota changes while vCPUs run, they get what it comes to", arguments: 1...4)
  func changesWhileVCPUsRun(cpus: Int) {
    struct Worker {
      var account: CPUThrottle.Account
      var cpuTime: UInt64 = 0
      /// When it comes to the throttle next, and whether it runs until then.
      var next: UInt64 = 0
      var runs = false
    }
    var random = SystemRandomNumberGenerator()
    var all = (used: 0.0, due: 0.0)
    for _ in 0..<20 {
      let throttle = CPUThrottle(nil, cpuCount: cpus, at: Instant(nanoseconds: 0))
      var workers = (0..<cpus).map { _ in Worker(account: throttle.account(cpuTime: 0)) }
      var (now, due, most, change) = (UInt64(0), 0.0, 0.0, UInt64(0))
      var quota = CPUQuota(nanoseconds: 1)
      while now < 3_000_000_000 {
        if now >= change {
          let period = UInt64.random(in: 1_000_000...100_000_000, using: &random)
          let part = UInt64.random(in: 1...UInt64(cpus) * 90, using: &random)
          quota = CPUQuota(nanoseconds: period * part / 100, periodNanoseconds: period)
          throttle.set(quota, at: Instant(nanoseconds: now))
          for index in workers.indices {
            workers[index].next = min(workers[index].next, now + .random(in: 0...500_000, using: &random))
          }
          most = max(most, Double(quota.nanoseconds))
          change = now + .random(in: 100_000...400_000_000, using: &random)
        }
        for index in workers.indices where now >= workers[index].next {
          let cpuTime = workers[index].cpuTime
          switch throttle.settle(&workers[index].account, cpuTime: cpuTime, .work, at: Instant(nanoseconds: now)) {
          case .run(let nanoseconds):
            (workers[index].next, workers[index].runs) = (now + nanoseconds + .random(in: 0...200_000, using: &random), true)
          case .wait(let end): (workers[index].next, workers[index].runs) = (end.nanoseconds, false)
          case .unlimited, .runUnreserved: Issue.record("a vCPU that works has a quota")
          }
        }
        let next = workers.reduce(change) { min($0, $1.next) }
        for index in workers.indices where workers[index].runs { workers[index].cpuTime += next - now }
        due += Double(next - now) * Double(quota.nanoseconds) / Double(quota.periodNanoseconds)
        now = next
      }
      let used = workers.reduce(0.0) { $0 + Double($1.cpuTime) }
      #expect(used <= due + most, "\(used) of \(due), \(most) a share")
      all = (all.used + used, all.due + due)
    }
    // One vCPU takes all that there is. Of several, one may hold time that the next period, or quota, cannot keep.
    #expect(all.used >= all.due * (cpus == 1 ? 1 : 0.97) - 20_000, "\(all)")
  }

  @Test func aThreadThatEndsGivesBackWhatItHadSetAside() {
    let throttle = throttle(Self.quarter)
    var first = throttle.account(cpuTime: 0)
    #expect(answer(throttle, &first, cpuTime: 0, at: 0).run == 2_500_000)
    throttle.close(&first, cpuTime: 1_000_000)
    var second = throttle.account(cpuTime: 0)
    #expect(answer(throttle, &second, cpuTime: 0, at: 1).run == 1_500_000)
  }

  @Test("A thread that made the machine anew before it ran its vCPU pays for that, and for its forerunner's debt")
  func debtOutlivesAReset() {
    let throttle = throttle(Self.quarter)
    var first = throttle.account(cpuTime: 0)
    _ = answer(throttle, &first, cpuTime: 0, at: 0)
    throttle.close(&first, cpuTime: 4_000_000)
    var second = throttle.account(cpuTime: 0)
    // 2.5 ms are there for each period, and 9 ms were used.
    #expect(answer(throttle, &second, cpuTime: 5_000_000, at: 9).until == Self.at(10))
    #expect(answer(throttle, &second, cpuTime: 5_000_000, at: 10).run == 1_250_000)
  }

  @Test func withoutAQuotaNothingIsOwedLater() {
    let throttle = throttle(nil)
    var account = throttle.account(cpuTime: 0)
    #expect(answer(throttle, &account, cpuTime: 50_000_000, at: 50) == (nil, nil))
    throttle.set(Self.quarter, at: Self.at(60))
    #expect(answer(throttle, &account, cpuTime: 60_000_000, at: 60).run == 2_500_000)
  }

  @Test func aTimeWithoutAQuotaForgivesNoDebt() {
    let throttle = throttle(Self.quarter)
    var account = throttle.account(cpuTime: 0)
    _ = answer(throttle, &account, cpuTime: 0, at: 0)
    // What it had set aside is settled when it hears of it: 4 ms were used, 2.5 ms of them earned by now.
    throttle.set(nil, at: Self.at(10))
    #expect(answer(throttle, &account, cpuTime: 4_000_000, at: 10) == (nil, nil))
    throttle.set(Self.quarter, at: Self.at(50))
    #expect(answer(throttle, &account, cpuTime: 44_000_000, at: 50).run == 1_000_000)
  }

  @Test func aQuotaThatComesBackBeforeAThreadSawItGoKeepsItsReservation() {
    let throttle = throttle(Self.quarter)
    var account = throttle.account(cpuTime: 0)
    _ = answer(throttle, &account, cpuTime: 0, at: 0)
    throttle.set(nil, at: Self.at(0))
    throttle.set(Self.quarter, at: Self.at(0))
    #expect(answer(throttle, &account, cpuTime: 500_000, at: 0.5).run == 2_000_000)
  }
}
