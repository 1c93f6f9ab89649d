import Glibc
import Host
import Testing

@Suite("Events")
struct EventTests {
  @Test func signalsAddUp() throws {
    let event = try EventFD()
    #expect(event.drain() == 0)
    for _ in 0..<5 { event.signal() }
    #expect(event.drain() == 5)
    #expect(event.drain() == 0)
  }

  @Test func timerRingsOnTimeOnce() throws {
    let loop = try EventLoop()
    let timer = try TimerFD()
    let start = Instant.now
    var rings: [Instant] = []
    try loop.add(timer.number, .readable) { _ in
      rings.append(.now)
      timer.acknowledge()
      if rings.count == 1 { timer.arm(at: start.advanced(byNanoseconds: 40_000_000)) } else { loop.stop() }
    }
    timer.arm(at: start.advanced(byNanoseconds: 20_000_000))
    try loop.run()
    #expect(rings.count == 2)
    #expect(rings[0].nanoseconds(since: start) >= 20_000_000)
    #expect(rings[1].nanoseconds(since: start) >= 40_000_000)
  }

  @Test func timerOfThePastRingsAtOnceAndADisarmedOneNever() throws {
    let loop = try EventLoop()
    let past = try TimerFD()
    let disarmed = try TimerFD()
    let end = try TimerFD()
    var seen: [String] = []
    try loop.add(past.number, .readable) { _ in
      seen.append("past")
      past.acknowledge()
    }
    try loop.add(disarmed.number, .readable) { _ in seen.append("disarmed") }
    try loop.add(end.number, .readable) { _ in loop.stop() }
    past.arm(at: Instant(nanoseconds: 0))
    disarmed.arm(at: Instant(nanoseconds: 0))
    disarmed.disarm()
    end.arm(at: Instant.now.advanced(byNanoseconds: 20_000_000))
    try loop.run()
    #expect(seen == ["past"])
  }

  @Test func instantsDoNotOverflow() {
    let late = Instant(nanoseconds: .max - 1)
    #expect(late.advanced(byNanoseconds: 5) == Instant(nanoseconds: .max))
    #expect(Instant(nanoseconds: 3).nanoseconds(since: Instant(nanoseconds: 5)) == 0)
    #expect(Instant(nanoseconds: 5).nanoseconds(since: Instant(nanoseconds: 3)) == 2)
  }

  @Test func calendarClockIsTheSystems() {
    let before = time(nil)
    let seconds = Int(HostClock.nanosecondsSince1970 / 1_000_000_000)
    #expect((before...time(nil) + 1).contains(seconds))
  }
}
