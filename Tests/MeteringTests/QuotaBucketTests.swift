import Host
import Testing

@testable import Metering

@Suite("A quota's bucket")
struct QuotaBucketTests {
  private static func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: UInt64((1000 + milliseconds) * 1e6)) }
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
    bucket.settle(reserved: 0, used: 2_400_000)
    // A whole share is owed: the refill that makes it zero is not enough.
    #expect(bucket.balance == -2_500_000 && bucket.nextTime == Self.at(20))
    bucket.refill(at: Self.at(20))
    #expect(bucket.balance == 2_500_000)
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

  @Test func reservationsAreNobodyElses() {
    var bucket = QuotaBucket(CPUQuota(nanoseconds: 15_000_000), at: Self.at(0))
    bucket.reserve(7_500_000)
    bucket.reserve(7_500_000)
    #expect(bucket.balance == 0)
    bucket.settle(reserved: 7_500_000, used: 500_000)
    #expect(bucket.balance == 7_000_000)
  }

  @Test func aChangeKeepsTheBalance() {
    var bucket = QuotaBucket(Self.quarter, at: Self.at(0))
    bucket.settle(reserved: 0, used: 4_000_000)
    bucket.change(to: CPUQuota(nanoseconds: 5_000_000), at: Self.at(4))
    #expect(bucket.balance == -1_500_000 && bucket.nextTime == Self.at(14))
    bucket.refill(at: Self.at(14))
    #expect(bucket.balance == 3_500_000)
    bucket.change(to: CPUQuota(nanoseconds: 500_000, periodNanoseconds: 1_000_000), at: Self.at(15))
    #expect(bucket.balance == 500_000)
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
