import Host
import Testing

@testable import Machine

@Suite("Memory's limit")
struct MemoryLimitTests {
  private static let limit: UInt64 = 64 << 20
  private static let whole: UInt64 = 255 << 20

  /// A guest that obeys its balloon: it gives up what it has not touched before what it has.
  private struct Guest {
    var limit = MemoryLimit(bytes: MemoryLimitTests.limit, memoryBytes: 256 << 20)
    var touched: UInt64 = 0
    var target: UInt64 = 0
    var least: UInt64 = 0
    var obeys = true
    /// What it says that its balloon holds; nil: what it is asked for, if it obeys.
    var claimed: UInt64?
    var now = Instant(nanoseconds: 1)

    var resident: UInt64 { obeys ? min(touched, 256 << 20 - target) : touched }

    mutating func look(after nanoseconds: UInt64 = 100_000_000) {
      now = now.advanced(byNanoseconds: nanoseconds)
      let new = limit.target(
        resident: resident, target: target, actual: claimed ?? (obeys ? target : 0), least: least, most: MemoryLimitTests.whole,
        at: now)
      if let new { target = new }
    }
  }

  /// Time goes by with a look each second.
  private func pass(seconds: UInt64, _ guest: inout Guest) {
    for _ in 0..<seconds { guest.look(after: 1_000_000_000) }
  }

  @Test func belowTheLimitNothingIsAsked() {
    var guest = Guest(touched: 60 << 20)
    for _ in 0..<10 { guest.look() }
    #expect(guest.target == 0)
  }

  @Test func whatIsTooMuchIsReclaimed() {
    var guest = Guest(touched: 100 << 20)
    guest.look()
    #expect(guest.resident <= Self.limit && guest.resident > Self.limit / 2)
    #expect(guest.target.isMultiple(of: 4096))
    let target = guest.target
    for _ in 0..<10 { guest.look() }
    #expect(guest.target == target, "it comes to rest")
    guest.touched = 140 << 20
    guest.look()
    #expect(guest.resident <= Self.limit)
  }

  /// Whatever it does between two looks, and however long it has kept to little.
  @Test func whoHasBeenBeyondIsNotAgain() {
    var guest = Guest(touched: 160 << 20)
    guest.look()
    guest.touched = 20 << 20
    for _ in 0..<40 { guest.look() }
    guest.touched = 256 << 20
    #expect((Self.limit / 2...Self.limit).contains(guest.resident))
  }

  /// A balloon has whole pages: a target between two would be asked for anew at every look.
  @Test func aLimitBetweenTwoPagesIsAskedForInWholeOnes() {
    var guest = Guest(limit: MemoryLimit(bytes: Self.limit + 1000, memoryBytes: 256 << 20), touched: 160 << 20)
    guest.look()
    #expect(guest.target > 0 && guest.target.isMultiple(of: 4096))
  }

  @Test func roomIsGivenBackButForWhatAPersonWants() {
    var guest = Guest(touched: 160 << 20, target: 240 << 20, least: 200 << 20)
    guest.touched = 20 << 20
    for _ in 0..<40 { guest.look() }
    #expect(guest.target == 200 << 20)
  }

  /// A person takes the balloon back altogether, or the guest begins anew with an empty one.
  @Test func whoHasBeenBeyondIsNotLetGo() {
    var guest = Guest(touched: 160 << 20)
    guest.look()
    guest.touched = 20 << 20
    guest.target = 0
    guest.look()
    guest.touched = 256 << 20
    #expect(guest.resident <= Self.limit)
  }

  @Test func whoHasNotBeenBeyondIsLetGo() {
    var guest = Guest(touched: 20 << 20, target: 100 << 20)
    for _ in 0..<100 { guest.look() }
    #expect(guest.target < 10 << 20)
  }

  @Test func whoDoesNotObeyIsAskedInVain() {
    var guest = Guest(touched: 100 << 20, obeys: false)
    for _ in 0..<300 { guest.look() }
    #expect(!guest.limit.isInVain)
    guest.look()
    #expect(guest.limit.isInVain && guest.target <= Self.whole)
  }

  /// What it gives up it touches elsewhere, while it has memory that it did not touch yet.
  @Test func whoseBalloonGrowsHasItsTime() {
    var guest = Guest(touched: 100 << 20, obeys: false, claimed: 0)
    for _ in 0..<400 {
      guest.look()
      guest.claimed! += 256 << 10
      #expect(!guest.limit.isInVain)
    }
    // Once it has held as much, it is no giving way to hold it again.
    for look in 0..<301 {
      guest.look()
      guest.claimed = look % 2 == 0 ? 0 : 100 << 20
    }
    #expect(guest.limit.isInVain)
  }

  /// A balloon holds no more than it was asked for, whatever the guest says: so even a liar has given up all that there
  /// is one day.
  @Test func whoSaysThatItsBalloonGrowsComesToAnEnd() {
    var guest = Guest(touched: 100 << 20, obeys: false, claimed: 0)
    var looks = 0
    while !guest.limit.isInVain, looks < 100_000 {
      pass(seconds: 29, &guest)
      guest.claimed! += Self.limit / 16
      looks += 1
    }
    #expect(looks <= Int(Self.whole / (Self.limit / 16)) + 3)
    var boaster = Guest(touched: 100 << 20, obeys: false, claimed: 16 << 40)
    for _ in 0..<6 where !boaster.limit.isInVain { pass(seconds: 29, &boaster) }
    #expect(boaster.limit.isInVain)
  }

  /// Time beyond is made up for by as much time below, and by no less.
  @Test func aLookBelowIsNoPardon() {
    var guest = Guest(touched: 100 << 20, obeys: false)
    for _ in 0..<290 { guest.look() }
    guest.touched = 60 << 20
    guest.look()
    #expect(!guest.limit.isInVain)
    guest.touched = 100 << 20
    for _ in 0..<9 { guest.look() }
    #expect(!guest.limit.isInVain)
    for _ in 0..<2 { guest.look() }
    #expect(guest.limit.isInVain)
    // It is below now, and has to stay there for half a minute before it has all its time again.
    guest.touched = 60 << 20
    guest.look()
    #expect(!guest.limit.isInVain)
    for _ in 0..<310 { guest.look() }
    guest.touched = 100 << 20
    for _ in 0..<300 { guest.look() }
    #expect(!guest.limit.isInVain)
    guest.look()
    #expect(guest.limit.isInVain)
  }

  /// Nor does giving way before it, of what is then touched anew.
  @Test func whatWasGivenUpCannotBeGivenUpAgain() {
    var guest = Guest(touched: 100 << 20, obeys: false)
    var looks = 0
    while !guest.limit.isInVain, looks < 10_000 {
      guest.touched = looks % 300 == 290 ? 90 << 20 : looks % 300 == 291 ? 60 << 20 : 100 << 20
      guest.look()
      looks += 1
    }
    #expect(looks < 1000)
  }

  /// 5 MiB a second, and then a page now and then.
  @Test func whoGivesWayHasItsTime() {
    var guest = Guest(touched: 200 << 20, obeys: false)
    for _ in 0..<200 {
      guest.look()
      guest.touched -= 512 << 10
      #expect(!guest.limit.isInVain)
    }
    #expect(guest.resident > Self.limit)
    for _ in 0..<400 {
      guest.look()
      guest.touched -= 4096
    }
    #expect(guest.limit.isInVain)
  }

  @Test func manyWhoReadTheMeterDoNotShortenItsTime() {
    var guest = Guest(touched: 100 << 20, obeys: false)
    for _ in 0..<1000 { guest.look(after: 1_000_000) }
    #expect(!guest.limit.isInVain)
    for _ in 0..<6 { guest.look(after: 5_000_000_000) }
    #expect(guest.limit.isInVain)
  }

  /// By SIGSTOP, or as its terminal's Ctrl-Z has it: the guest could not give way meanwhile.
  @Test func aVMMThatWasStoppedHasNotLookedInVain() {
    var guest = Guest(touched: 100 << 20, obeys: false)
    guest.look()
    guest.look(after: 3_600_000_000_000)
    #expect(!guest.limit.isInVain)
    for _ in 0..<4 { guest.look(after: 5_000_000_000) }
    #expect(guest.limit.isInVain)
  }

  @Test func aPausedGuestIsNotWaitedFor() {
    var guest = Guest(touched: 100 << 20, obeys: false)
    guest.look()
    for _ in 0..<100 {
      guest.limit.standStill()
      guest.now = guest.now.advanced(byNanoseconds: 5_000_000_000)
      guest.limit.standStill()
      guest.look(after: 1_000_000)
    }
    #expect(!guest.limit.isInVain)
    for _ in 0..<6 { guest.look(after: 5_000_000_000) }
    #expect(guest.limit.isInVain)
  }
}
