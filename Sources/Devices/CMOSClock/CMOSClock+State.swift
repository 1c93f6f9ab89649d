extension CMOSClock {
  /// The 128 bytes, and the time as its distance from the host's.
  struct State {
    /// Which byte the data port reaches, 0 to 127.
    var index = 0
    /// All that is only stored. The bytes of the time are valid here while the guest keeps the clock from updating them
    /// (``StatusB/set``), else they are made from the host's time when they are read.
    private var memory = InlineArray<128, UInt8>(repeating: 0)
    /// Guest time minus host time, in seconds; second boundaries are the host's.
    private var offset = 0
    /// The host's time, in nanoseconds, when status register C was last read.
    private var flagsSeen: UInt64
  }
}

private enum Index {
  static let seconds = 0x00, minutes = 0x02, hours = 0x04
  static let weekday = 0x06, day = 0x07, month = 0x08, year = 0x09, century = Int(CMOSClock.centuryIndex)
  static let statusA = 0x0a, statusB = 0x0b, statusC = 0x0c, statusD = 0x0d

  static func isTime(_ index: Int) -> Bool {
    switch index {
    case seconds, minutes, hours, weekday, day, month, year, century: true
    default: false
    }
  }
}

private let nanosecondsPerSecond: UInt64 = 1_000_000_000

extension CMOSClock.State {
  init(lowMemory: UInt64, highMemory: UInt64, now: UInt64) {
    flagsSeen = now
    memory[Index.statusA] = 0x26  // The 32.768 kHz crystal, and 1024 Hz as the periodic rate.
    memory[Index.statusB] = StatusB.hours24.rawValue
    memory[0x14] = 0x02  // Equipment: a coprocessor, and no display, keyboard, or floppy disk.

    // Sizes as BIOSes leave them: KiB below 640 KiB and above 1 MiB, 64 KiB units above 16 MiB and above 4 GiB.
    let aboveOne = min((lowMemory - min(lowMemory, 1 << 20)) >> 10, 0xffff)
    store(min(lowMemory >> 10, 640), count: 2, at: 0x15)
    store(aboveOne, count: 2, at: 0x17)
    store(aboveOne, count: 2, at: 0x30)
    store(min((lowMemory - min(lowMemory, 16 << 20)) >> 16, 0xffff), count: 2, at: 0x34)
    store(min(highMemory >> 16, 0xff_ffff), count: 3, at: 0x5b)

    // The checksum over the configuration bytes, the one big-endian number among them.
    var sum: UInt16 = 0
    for index in 0x10...0x2d { sum &+= UInt16(memory[index]) }
    memory[0x2e] = UInt8(sum >> 8)
    memory[0x2f] = UInt8(truncatingIfNeeded: sum)
  }

  private mutating func store(_ value: UInt64, count: Int, at index: Int) {
    for byte in 0..<count { memory[index + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
  }

  mutating func read(at now: UInt64) -> UInt8 {
    switch index {
    case Index.statusA: memory[index] | (isUpdating(at: now) ? 0x80 : 0)
    case Index.statusC: takeFlags(at: now)
    case Index.statusD: 0x80  // The battery is fine.
    case _ where Index.isTime(index) && !statusB.contains(.set): encoded(index, of: calendar(at: now))
    default: memory[index]
    }
  }

  mutating func write(_ value: UInt8, at now: UInt64) {
    switch index {
    case Index.statusA: memory[index] = value & 0x7f
    case Index.statusB:
      let wasSet = statusB.contains(.set)
      memory[index] = value
      if !wasSet, statusB.contains(.set) { latch(at: now) }
      if wasSet, !statusB.contains(.set) { adopt(at: now) }
    case Index.statusC, Index.statusD: break
    case _ where Index.isTime(index) && !statusB.contains(.set):
      latch(at: now)
      memory[index] = value
      adopt(at: now)
    default: memory[index] = value
    }
  }
}

// MARK: The time

extension CMOSClock.State {
  /// Status register B.
  private struct StatusB: OptionSet {
    let rawValue: UInt8
    /// The guest is setting the time: the clock keeps its hands off the bytes.
    static let set = StatusB(rawValue: 0x80)
    static let periodicInterrupt = StatusB(rawValue: 0x40)
    static let updateInterrupt = StatusB(rawValue: 0x10)
    /// Numbers are binary, not decimal digits.
    static let binary = StatusB(rawValue: 0x04)
    static let hours24 = StatusB(rawValue: 0x02)
  }

  private var statusB: StatusB { StatusB(rawValue: memory[Index.statusB]) }

  private func calendar(at now: UInt64) -> CalendarTime {
    CalendarTime(secondsSince1970: Int(now / nanosecondsPerSecond) + offset)
  }

  /// Writes the running time into memory, for the guest to change.
  private mutating func latch(at now: UInt64) {
    let time = calendar(at: now)
    for index in 0..<memory.count where Index.isTime(index) { memory[index] = encoded(index, of: time) }
  }

  /// Takes what the guest has left in memory for the time. Numbers that no clock shows become the nearest that one
  /// does; the day of the week follows from the date.
  private mutating func adopt(at now: UInt64) {
    let time = CalendarTime(
      year: min(number(memory[Index.century]), 99) * 100 + min(number(memory[Index.year]), 99),
      month: min(max(number(memory[Index.month]), 1), 12),
      day: min(max(number(memory[Index.day]), 1), 31),
      hour: min(hour(memory[Index.hours]), 23),
      minute: min(number(memory[Index.minutes]), 59),
      second: min(number(memory[Index.seconds]), 59))
    offset = time.secondsSince1970 - Int(now / nanosecondsPerSecond)
  }

  /// One byte of the time, in the format that status register B asks for.
  private func encoded(_ index: Int, of time: CalendarTime) -> UInt8 {
    switch index {
    case Index.seconds: byte(time.second)
    case Index.minutes: byte(time.minute)
    case Index.hours where statusB.contains(.hours24): byte(time.hour)
    // 12, 1, 2 to 11, with bit 7 for the afternoon.
    case Index.hours: byte((time.hour + 11) % 12 + 1) | (time.hour >= 12 ? 0x80 : 0)
    case Index.weekday: byte(time.weekday + 1)
    case Index.day: byte(time.day)
    case Index.month: byte(time.month)
    case Index.year: byte(time.year % 100)
    default: byte(time.year / 100 % 100)
    }
  }

  /// - Parameter number: 0 to 99.
  private func byte(_ number: Int) -> UInt8 {
    UInt8(statusB.contains(.binary) ? number : number / 10 * 16 + number % 10)
  }

  private func number(_ byte: UInt8) -> Int {
    statusB.contains(.binary) ? Int(byte) : Int(byte >> 4) * 10 + Int(byte & 0x0f)
  }

  private func hour(_ byte: UInt8) -> Int {
    statusB.contains(.hours24) ? number(byte) : number(byte & 0x7f) % 12 + (byte & 0x80 != 0 ? 12 : 0)
  }
}

// MARK: Progress

extension CMOSClock.State {
  /// 244 microseconds of warning and 1984 of updating: as long as the chip needs with a 32.768 kHz crystal.
  private static let updateNanoseconds: UInt64 = 2_228_000

  /// Status register A's divider bits stop the clock when the upper two are set.
  private var isStopped: Bool { memory[Index.statusA] & 0x60 == 0x60 }

  /// The end of each second counts as the update: those who wait for it to be over and those who wait for it to begin,
  /// as calibrating kernels do, both see it within a second.
  private func isUpdating(at now: UInt64) -> Bool {
    !statusB.contains(.set) && !isStopped && now % nanosecondsPerSecond >= nanosecondsPerSecond - Self.updateNanoseconds
  }

  /// Status register C: what has happened since the last call.
  private mutating func takeFlags(at now: UInt64) -> UInt8 {
    defer { flagsSeen = now }
    if isStopped { return 0 }
    var flags: StatusB = []
    if !statusB.contains(.set), now / nanosecondsPerSecond != flagsSeen / nanosecondsPerSecond {
      flags.insert(.updateInterrupt)
    }
    if periods(at: now) != periods(at: flagsSeen) { flags.insert(.periodicInterrupt) }
    // The flags sit where their enabling bits sit in B; bit 7 sums up those that are enabled.
    return flags.rawValue | (flags.isDisjoint(with: statusB) ? 0 : 0x80)
  }

  /// How many periods of the rate that status register A selects fit into a time, 0 without a rate.
  private func periods(at now: UInt64) -> UInt64 {
    let rate = memory[Index.statusA] & 0x0f
    guard rate != 0 else { return 0 }
    // 32768 Hz and its halvings from 3 on; 1 and 2 are 256 and 128 Hz.
    let hertz = UInt64(32_768 >> (rate < 3 ? rate + 6 : rate - 1))
    // The product's upper half is below the frequency, and so below the divisor: no overflow.
    return nanosecondsPerSecond.dividingFullWidth(now.multipliedFullWidth(by: hertz)).quotient
  }
}
