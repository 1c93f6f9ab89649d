import Host
import Testing

@testable import Metering

@Suite("A quota's bucket")
struct QuotaBucketTests {
  private static func at(_ milliseconds: Double) -> Instant {
    Instant(nanoseconds: UInt64((1000 + milliseconds) * 1e6))
  }
  private static let quarter = CPUQuota(nanoseconds: 2_500_000)

  @Test func isRefilledOnTheGrid() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    #expect(bucket.balance == 2_500_000)
    bucket.settle(reserved: 0, used: 2_500_000)
    #expect(bucket.balance == 0 && bucket.nextTime == Self.at(10))
    bucket.refill(at: Self.at(9.99))
    #expect(bucket.balance == 0)
    // However late it is looked at, the grid stays.
    bucket.refill(at: Self.at(13))
    #expect(bucket.balance == 2_500_000)
    bucket.settle(reserved: 0, used: 2_500_000)
    #expect(bucket.nextTime == Self.at(20))
  }

  @Test func debtIsPaid() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    bucket.settle(reserved: 0, used: 2_600_000)
    #expect(bucket.balance == -100_000 && bucket.nextTime == Self.at(10))
    bucket.refill(at: Self.at(10))
    #expect(bucket.balance == 2_400_000 && bucket.owed == 0)
  }

  @Test("A refill that pays leaves half a share")
  func debtIsPaidInParts() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    bucket.settle(reserved: 0, used: 5_000_000)
    for (time, owed) in [(10, 1_250_000), (20, 0)] as [(Double, Int64)] {
      #expect(bucket.balance <= 0 && bucket.nextTime == Self.at(time))
      bucket.refill(at: Self.at(time))
      #expect(bucket.balance == 1_250_000 && bucket.owed == owed)
      bucket.settle(reserved: 0, used: 1_250_000)
    }
    bucket.refill(at: Self.at(30))
    #expect(bucket.balance == 2_500_000)
  }

  @Test("What nobody uses pays", arguments: [0, 4_000_000] as [UInt64])
  func unusedTimePays(burst: UInt64) {
    var bucket = QuotaBucket(CPUQuota(nanoseconds: 2_500_000, burstNanoseconds: burst), at: Self.at(0))
    bucket.settle(reserved: 0, used: 6_000_000)
    bucket.refill(at: Self.at(10))
    #expect(bucket.balance == 1_250_000 && bucket.owed == 2_250_000)
    bucket.refill(at: Self.at(20))
    #expect(bucket.balance == 1_500_000 && bucket.owed == 0)
  }

  @Test("Of what is owed beyond sixteen shares nothing is left to be used", arguments: [false, true])
  func greatDebtIsPaidAtOnce(isSeenEachPeriod: Bool) {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    bucket.settle(reserved: 0, used: 2_500_000 + 16 * 2_500_000 + 5_750_000)
    #expect(bucket.nextTime == Self.at(30))
    for time in isSeenEachPeriod ? [10, 20] : [] {
      bucket.refill(at: Self.at(Double(time)))
      #expect(bucket.balance == 0 && bucket.nextTime == Self.at(30))
    }
    bucket.refill(at: Self.at(30))
    #expect(bucket.balance == 1_250_000 && bucket.owed == 39_500_000)
  }

  @Test("Who is stopped too late in every period gets sixteen shares more at most, and then what the quota says")
  func debtDoesNotGrow() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    var (used, now) = (UInt64(0), Self.at(0))
    while now < Self.at(10_000) {
      bucket.refill(at: now)
      if bucket.balance > 0 {
        let time = UInt64(bucket.balance) + 8_000_000
        bucket.settle(reserved: 0, used: time)
        used += time
      }
      now = bucket.nextTime
    }
    #expect((0...16 * 2_500_000 + 10_500_000).contains(Int(used) - 1000 * 2_500_000))
  }

  @Test func whatIsNotUsedIsLostButForTheBurst() {
    var plain = QuotaBucket(Self.quarter, at: Self.at(0))
    plain.refill(at: Self.at(1000))
    #expect(plain.balance == 2_500_000)
    var quota = Self.quarter
    quota.burstNanoseconds = 4_000_000
    var saving = QuotaBucket(quota, at: Self.at(0))
    saving.refill(at: Self.at(10))
    #expect(saving.balance == 5_000_000)
    saving.refill(at: Self.at(1000))
    #expect(saving.balance == 6_500_000)
    saving.settle(reserved: 1_000_000, used: 0)
    #expect(saving.balance == 6_500_000)
  }

  @Test("What a change takes back of a reservation comes back with it, and is not owed")
  func aReservationIsNoDebt() {
    var bucket = QuotaBucket(CPUQuota(nanoseconds: 9_000_000), at: Self.at(0))
    bucket.reserve(9_000_000)
    bucket.change(to: CPUQuota(nanoseconds: 1_000_000), at: Self.at(1))
    // Of 9 ms 0.9 were earned, and 1 was used; another begins.
    bucket.change(to: CPUQuota(nanoseconds: 2_000_000), at: Self.at(1))
    bucket.settle(reserved: 9_000_000, used: 1_000_000)
    #expect(bucket.balance == 1_900_000 && bucket.owed == 0)
    bucket.reserve(1_900_000)
    bucket.change(to: nil, at: Self.at(1))
    bucket.settle(reserved: 1_900_000, used: 0)
    #expect(bucket.balance == -100_000 && bucket.owed == 0)
  }

  @Test("A reservation that outlives its period pays with what of it cannot be kept")
  func whatComesBackLatePays() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    bucket.settle(reserved: 0, used: 6_000_000)
    bucket.refill(at: Self.at(10))
    #expect(bucket.balance == 1_250_000 && bucket.owed == 2_250_000)
    bucket.reserve(1_250_000)
    bucket.refill(at: Self.at(20))
    #expect(bucket.balance == 1_250_000 && bucket.owed == 1_000_000)
    bucket.refill(at: Self.at(30))
    bucket.settle(reserved: 1_250_000, used: 250_000)
    #expect(bucket.balance == 2_500_000 && bucket.owed == 0)
  }

  @Test func reservationsAreNobodyElses() {
    var bucket = QuotaBucket(CPUQuota(nanoseconds: 15_000_000), at: Self.at(0))
    bucket.reserve(7_500_000)
    bucket.reserve(7_500_000)
    #expect(bucket.balance == 0)
    bucket.settle(reserved: 7_500_000, used: 500_000)
    #expect(bucket.balance == 7_000_000)
  }

  @Test func aChangeHoldsFromItsInstantOn() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    bucket.settle(reserved: 0, used: 4_000_000)
    // Of 2.5 ms for ten 1 ms was earned by now: 3 ms too much were used, and 5 ms begin.
    bucket.change(to: CPUQuota(nanoseconds: 5_000_000), at: Self.at(4))
    #expect(bucket.balance == 2_000_000)
    bucket.settle(reserved: 0, used: 2_000_000)
    #expect(bucket.nextTime == Self.at(14))
    bucket.refill(at: Self.at(14))
    #expect(bucket.balance == 5_000_000)
    bucket.change(to: CPUQuota(nanoseconds: 500_000, periodNanoseconds: 1_000_000), at: Self.at(15))
    #expect(bucket.balance == 500_000)
  }

  @Test("With a long period more time is there at once, and less from at once on")
  func aLongPeriodIsNotWaitedFor() {
    let (tenth, most) = (
      CPUQuota(nanoseconds: 100_000_000, periodNanoseconds: 1_000_000_000),
      CPUQuota(nanoseconds: 900_000_000, periodNanoseconds: 1_000_000_000)
    )
    var bucket = QuotaBucket(tenth, at: Self.at(0))
    bucket.settle(reserved: 0, used: 100_000_000)
    bucket.change(to: most, at: Self.at(200))
    #expect(bucket.balance == 820_000_000)
    bucket.change(to: tenth, at: Self.at(210))
    #expect(bucket.balance == 29_000_000)
  }

  @Test func theSameQuotaChangesNothing() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    bucket.settle(reserved: 0, used: 2_500_000)
    for step in 1...9 { bucket.change(to: Self.quarter, at: Self.at(Double(step))) }
    #expect(bucket.balance == 0 && bucket.nextTime == Self.at(10))
  }

  @Test func withoutAQuotaDebtStays() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    bucket.settle(reserved: 0, used: 12_500_000)
    bucket.change(to: nil, at: Self.at(8))
    bucket.refill(at: Self.at(1000))
    #expect(bucket.balance - bucket.owed == -10_500_000)
    bucket.change(to: Self.quarter, at: Self.at(2000))
    #expect(bucket.balance == 0 && bucket.owed == 8_000_000 && bucket.nextTime == Self.at(2010))
    bucket.refill(at: Self.at(2010))
    bucket.change(to: nil, at: Self.at(2020))
    bucket.change(to: Self.quarter, at: Self.at(3000))
    // Two periods that nobody used have paid.
    #expect(bucket.balance == 0 && bucket.owed == 3_000_000)
  }

  @Test("However quotas change, the time given is what each comes to while it is in force, and at most a share more")
  func changesGiveNothingAndTakeNothing() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var now = Self.at(0)
      var bucket = QuotaBucket(nil, at: now)
      var (used, due, mostShare) = (0.0, 0.0, 0.0)
      for _ in 0..<100 {
        let period = UInt64.random(in: 1_000_000...1_000_000_000, using: &random)
        let quota = CPUQuota(nanoseconds: .random(in: 1...2 * period, using: &random), periodNanoseconds: period)
        let change = Int.random(in: 0..<4, using: &random) == 0 ? nil : quota
        bucket.change(to: change, at: now)
        mostShare = max(mostShare, Double(change?.nanoseconds ?? 0))
        let end = now.advanced(byNanoseconds: .random(in: 0...UInt64.random(in: 1...3_000_000_000), using: &random))
        if let change {
          due += Double(end.nanoseconds(since: now)) * Double(change.nanoseconds) / Double(change.periodNanoseconds)
        }
        // All that there is, is used as soon as it is there.
        while change != nil {
          bucket.refill(at: now)
          if bucket.balance > 0 {
            used += Double(bucket.balance)
            bucket.settle(reserved: 0, used: UInt64(bucket.balance))
          }
          guard bucket.nextTime < end else { break }
          now = bucket.nextTime
        }
        now = end
      }
      // A nanosecond for each change may be rounded away.
      #expect(used >= due - 100 && used <= due + mostShare + 100, "\(used) of \(due), a share is \(mostShare)")
    }
  }

  @Test("However vCPUs use it, they get what the quota says and no more")
  func longRun() {
    var random = SystemRandomNumberGenerator()
    for share in [500_000, 2_500_000, 7_500_000, 15_000_000] as [UInt64] {
      var bucket = QuotaBucket(CPUQuota(nanoseconds: share), at: Self.at(0))
      var now = Self.at(0)
      var used: UInt64 = 0
      while now < Self.at(10_000) {
        bucket.refill(at: now)
        guard bucket.balance > 0 else {
          now = max(now, bucket.nextTime)
          continue
        }
        let slice = bucket.balance
        bucket.reserve(slice)
        // It is stopped a little late.
        let time = UInt64(slice) + .random(in: 0...200_000, using: &random)
        bucket.settle(reserved: slice, used: time)
        used += time
        now = now.advanced(byNanoseconds: share > 10_000_000 ? time / 2 : time)
      }
      let ratio = Double(used) / Double(share * 1000)
      #expect(abs(ratio - 1) < 0.005, "\(share): \(ratio)")
    }
  }
}
