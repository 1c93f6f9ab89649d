/// A moment in UTC as the Gregorian calendar has it, to the second, without leap seconds.
package struct CalendarTime: Equatable, Sendable {
  package var year: Int
  /// 1 to 12.
  package var month: Int
  /// 1 to 31.
  package var day: Int
  package var hour: Int
  package var minute: Int
  package var second: Int

  package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  private static let secondsPerDay = 86_400
  /// The calendar repeats itself after 400 years, which are this many days.
  private static let daysPerCycle = 146_097
  /// Days before each month of a year that begins in March. Such years end with the leap day, so that it shifts
  /// nothing.
  private static let daysBefore: InlineArray<12, Int> = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337]

  /// Days from March 1st of year 0 to the first of January 1970.
  private static let epoch = 719_468

  package init(secondsSince1970 seconds: Int) {
    let (days, time) = Self.floorDivide(seconds, by: Self.secondsPerDay)
    let (cycle, dayOfCycle) = Self.floorDivide(days + Self.epoch, by: Self.daysPerCycle)
    // Takes out the leap days that have passed within the cycle: every 4 years, but not every 100, but every 400.
    let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
    let dayOfYear = dayOfCycle - Self.days(beforeYear: yearOfCycle)
    var monthOfYear = 11
    while Self.daysBefore[monthOfYear] > dayOfYear { monthOfYear -= 1 }
    month = monthOfYear < 10 ? monthOfYear + 3 : monthOfYear - 9
    year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0)
    day = dayOfYear - Self.daysBefore[monthOfYear] + 1
    hour = time / 3600
    minute = time / 60 % 60
    second = time % 60
  }

  /// Seconds since 1970-01-01 00:00 UTC, negative before. A day that the month does not have counts on into the next.
  package var secondsSince1970: Int {
    let monthOfYear = month > 2 ? month - 3 : month + 9
    let (cycle, yearOfCycle) = Self.floorDivide(month > 2 ? year : year - 1, by: 400)
    let days =
      cycle * Self.daysPerCycle + Self.days(beforeYear: yearOfCycle) + Self.daysBefore[monthOfYear] + day - 1
    return (days - Self.epoch) * Self.secondsPerDay + hour * 3600 + minute * 60 + second
  }

  /// 0 for Sunday to 6 for Saturday.
  package var weekday: Int {
    // 1970-01-01 was a Thursday.
    Self.floorDivide(Self.floorDivide(secondsSince1970, by: Self.secondsPerDay).quotient + 4, by: 7).remainder
  }

  /// Days of a cycle before its year `year`, 0 to 399.
  private static func days(beforeYear year: Int) -> Int { year * 365 + year / 4 - year / 100 }

  private static func floorDivide(_ value: Int, by divisor: Int) -> (quotient: Int, remainder: Int) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
