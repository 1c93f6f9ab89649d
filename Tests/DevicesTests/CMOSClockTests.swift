import Devices
import Synchronization
import Testing

@Suite("Calendar")
struct CalendarTimeTests {
  /// Counts from 1600 to 2400 day by day, as the calendar's rules say it.
  @Test func everyDayOfTwoCycles() {
    var day = CalendarTime(year: 1600, month: 1, day: 1)
    var seconds = day.secondsSince1970
    var weekday = 6  // A Saturday.
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    var mismatches = 0
    while day.year < 2400 {
      if CalendarTime(secondsSince1970: seconds) != day || day.secondsSince1970 != seconds || day.weekday != weekday {
        mismatches += 1
      }
      let leaps = day.year % 4 == 0 && day.year % 100 != 0 || day.year % 400 == 0
      if day.day < lengths[day.month - 1] + (leaps && day.month == 2 ? 1 : 0) {
        day.day += 1
      } else if day.month < 12 {
        (day.month, day.day) = (day.month + 1, 1)
      } else {
        (day.year, day.month, day.day) = (day.year + 1, 1, 1)
      }
      seconds += 86_400
      weekday = (weekday + 1) % 7
    }
    #expect(mismatches == 0)
  }

  @Test(arguments: [
    (0, CalendarTime(year: 1970, month: 1, day: 1)),
    (-1, CalendarTime(year: 1969, month: 12, day: 31, hour: 23, minute: 59, second: 59)),
    (951_827_696, CalendarTime(year: 2000, month: 2, day: 29, hour: 12, minute: 34, second: 56)),
    (2_147_483_648, CalendarTime(year: 2038, month: 1, day: 19, hour: 3, minute: 14, second: 8)),
    (4_107_542_400, CalendarTime(year: 2100, month: 3, day: 1)),
  ])
  func knownMoments(seconds: Int, time: CalendarTime) {
    #expect(CalendarTime(secondsSince1970: seconds) == time)
    #expect(time.secondsSince1970 == seconds)
  }
}

@Suite("CMOS clock")
struct CMOSClockTests {
  private final class Clock: Sendable {
    let nanoseconds = Atomic<UInt64>(0)
  }

  private let host = Clock()
  private let clock: CMOSClock

  init() {
    let host = host
    clock = CMOSClock(lowMemory: 3 << 30, highMemory: 5 << 30) { host.nanoseconds.load(ordering: .relaxed) }
    // A leap day's last second but one.
    setHost(CalendarTime(year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 58))
  }

  private func setHost(_ time: CalendarTime, nanoseconds: UInt64 = 0) {
    host.nanoseconds.store(UInt64(time.secondsSince1970) * 1_000_000_000 + nanoseconds, ordering: .relaxed)
  }

  private func advance(_ nanoseconds: UInt64) { host.nanoseconds.wrappingAdd(nanoseconds, ordering: .relaxed) }

  private func read(_ index: UInt64) -> UInt64 {
    clock.write(offset: 0, size: 1, value: index)
    return clock.read(offset: 1, size: 1)
  }

  private func write(_ index: UInt64, _ value: UInt64) {
    clock.write(offset: 0, size: 1, value: index)
    clock.write(offset: 1, size: 1, value: value)
  }

  /// Century, year, month, day, weekday, hours, minutes, seconds, as the bytes have them.
  private var time: [UInt64] { [0x32, 0x09, 0x08, 0x07, 0x06, 0x04, 0x02, 0x00].map(read) }

  @Test func showsUTCInDecimalDigits() {
    #expect(time == [0x20, 0x24, 0x02, 0x29, 5, 0x23, 0x59, 0x58])
    advance(2_000_000_000)
    #expect(time == [0x20, 0x24, 0x03, 0x01, 6, 0x00, 0x00, 0x00])
  }

  @Test func turnsTheYear() {
    setHost(CalendarTime(year: 1999, month: 12, day: 31, hour: 23, minute: 59, second: 59))
    #expect(time == [0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59])
    advance(1_000_000_000)
    #expect(time == [0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00])
  }

  @Test func showsBinaryNumbers() {
    write(0x0b, 0x06)
    #expect(time == [20, 24, 2, 29, 5, 23, 59, 58])
  }

  @Test(arguments: 0..<24, [0x04, 0x00] as [UInt64]) func showsAndTakesTwelveHours(hour: Int, statusB: UInt64) {
    let number = UInt64((hour + 11) % 12 + 1)
    let byte = (statusB == 0x04 ? number : number / 10 * 16 + number % 10) + (hour >= 12 ? 0x80 : 0)
    setHost(CalendarTime(year: 2024, month: 1, day: 1, hour: hour))
    write(0x0b, statusB)
    #expect(read(0x04) == byte)
    setHost(CalendarTime(year: 2024, month: 1, day: 1, hour: (hour + 5) % 24))
    write(0x04, byte)
    write(0x0b, 0x06)
    #expect(read(0x04) == UInt64(hour))
    #expect(read(0x07) == 1)
  }

  /// As drivers do it: hold, write all, let go.
  @Test func settingKeepsADistance() {
    write(0x0b, 0x82)
    for (index, value): (UInt64, UInt64) in [
      (0x32, 0x19), (0x09, 0x87), (0x08, 0x12), (0x07, 0x31), (0x04, 0x23), (0x02, 0x59), (0x00, 0x50),
    ] { write(index, value) }
    advance(5_000_000_000)
    #expect(time == [0x19, 0x87, 0x12, 0x31, 5, 0x23, 0x59, 0x50], "held")
    write(0x0b, 0x02)
    #expect(time == [0x19, 0x87, 0x12, 0x31, 5, 0x23, 0x59, 0x50])
    advance(10_000_000_000)
    #expect(time == [0x19, 0x88, 0x01, 0x01, 6, 0x00, 0x00, 0x00])
  }

  @Test func settingOneByteLeavesTheOthers() {
    write(0x02, 0x07)
    #expect(time == [0x20, 0x24, 0x02, 0x29, 5, 0x23, 0x07, 0x58])
  }

  @Test func nonsenseBecomesSomeTime() {
    write(0x0b, 0x82)
    for index: UInt64 in [0x32, 0x09, 0x08, 0x07, 0x04, 0x02, 0x00] { write(index, 0xff) }
    #expect(read(0x08) == 0xff)
    write(0x0b, 0x02)
    #expect(time == [0x99, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59])
    write(0x08, 0)
    #expect(read(0x08) == 0x01)
    write(0x08, 0x02)  // There is no February 30th.
    #expect((read(0x08), read(0x07)) == (0x03, 0x03))
  }

  @Test func updatesAreSeenOncePerSecond() {
    setHost(CalendarTime(year: 2024, month: 1, day: 1))
    var rises = 0
    var updating = false
    var spent = 0
    for _ in 0..<30_000 {
      let now = read(0x0a) & 0x80 != 0
      if now, !updating { rises += 1 }
      if now { spent += 1 }
      updating = now
      advance(100_000)
    }
    #expect(rises == 3)
    #expect(spent == 3 * 22)

    setHost(CalendarTime(year: 2024, month: 1, day: 1), nanoseconds: 999_000_000)
    #expect(read(0x0a) == 0xa6)
    write(0x0b, 0x82)
    #expect(read(0x0a) == 0x26, "no update while the time is being set")
    write(0x0b, 0x02)
    write(0x0a, 0x66)
    #expect(read(0x0a) == 0x66, "nor while the divider is held")
  }

  @Test func statusCTellsWhatHasHappened() {
    _ = read(0x0c)
    #expect(read(0x0c) == 0)
    advance(1_000_000)
    #expect(read(0x0c) == 0x40, "at 1024 Hz")
    #expect(read(0x0c) == 0)
    advance(1_000_000_000)
    #expect(read(0x0c) == 0x50)
    write(0x0b, 0x12)
    advance(1_000_000_000)
    #expect(read(0x0c) == 0xd0, "an enabled one sets bit 7")
    write(0x0a, 0x20)
    advance(999_000_000)
    #expect(read(0x0c) == 0x90, "no rate, no periods")
  }

  @Test(arguments: [(1, 256), (2, 128), (3, 8192), (6, 1024), (15, 2)])
  func periodicRates(selection: UInt64, hertz: Int) {
    setHost(CalendarTime(year: 2024, month: 1, day: 1))
    write(0x0a, 0x20 | selection)
    _ = read(0x0c)
    var count = 0
    for _ in 0..<20_000 {
      advance(50_000)
      if read(0x0c) & 0x40 != 0 { count += 1 }
    }
    #expect(count == hertz)
  }

  @Test func memoryIsKept() {
    for index in UInt64(0x33)..<0x80 {
      write(index, index ^ 0xff)
      #expect(read(index) == index ^ 0xff)
      #expect(read(index | 0x80) == index ^ 0xff, "bit 7 of the index is the interrupt mask")
    }
    for index: UInt64 in [1, 3, 5] {
      write(index, 0x42)
      #expect(read(index) == 0x42, "alarms")
    }
    write(0x0c, 0xff)
    write(0x0d, 0x00)
    #expect(read(0x0d) == 0x80)
  }

  @Test func tellsMemorySizes() {
    func number(_ index: UInt64, _ count: UInt64) -> UInt64 {
      (0..<count).reduce(0) { $0 | read(index + $1) << (8 * $1) }
    }
    #expect(number(0x15, 2) == 640)
    #expect(number(0x17, 2) == 0xffff)
    #expect(number(0x30, 2) == 0xffff)
    #expect(number(0x34, 2) == ((3 << 30) - (16 << 20)) >> 16)
    #expect(number(0x5b, 3) == (5 << 30) >> 16)
    #expect(read(0x2e) << 8 + read(0x2f) == (0x10...0x2d).reduce(0) { $0 + read($1) })
  }

  @Test(arguments: [
    (4 << 10, 4, 0, 0), (1 << 20, 640, 0, 0), (16 << 20, 640, 15 << 10, 0), (17 << 20, 640, 16 << 10, 16),
  ] as [(UInt64, UInt64, UInt64, UInt64)])
  func tellsSmallMemorySizes(bytes: UInt64, base: UInt64, aboveOne: UInt64, aboveSixteen: UInt64) {
    let clock = CMOSClock(lowMemory: bytes, highMemory: 0) { 0 }
    func number(_ index: UInt64) -> UInt64 {
      (UInt64(0)..<2).reduce(0) { sum, byte in
        clock.write(offset: 0, size: 1, value: index + byte)
        return sum | clock.read(offset: 1, size: 1) << (8 * byte)
      }
    }
    #expect([number(0x15), number(0x17), number(0x34)] == [base, aboveOne, aboveSixteen])
  }
}
