import Hardware
import Synchronization

private let timerVector = Interrupts.firstAPICVector + 1
private let timerTicks = Atomic<Int>(0)

/// Counts the ticks of the interval timer (PIT) and of the local APIC's timer over the same half second,
/// and asks the power management timer, where ACPI names one, how long that was. The bounds are wide, since
/// a busy host delays a guest. With `forever` it compares nothing, as a host full of guests delays each of them, and
/// says a line a second.
@main enum Ticks: Guest {
  private static let hertz = 100

  static func run(_ start: StartInfo) {
    Interrupts.configure()
    Interrupts.handle(timerVector) { timerTicks.wrappingAdd(1, ordering: .relaxed) }
    IntervalTimer.start(hertz: hertz)

    let countsPerSecond = measureTimer()
    say("local APIC timer: \(countsPerSecond) counts a second")
    if start.options.contains("forever") { tickForever(countsPerSecond) }

    let pmTimer = start.rsdp.flatMap { ACPITables(rsdp: $0).powerManagementTimerPort() }
    IntervalTimer.sleep(ticks: 1)
    let begin = (interval: IntervalTimer.ticks, time: pmTimer.map { inl($0) })
    LocalAPIC.startPeriodicTimer(vector: timerVector, counts: countsPerSecond / UInt32(hertz))
    IntervalTimer.sleep(ticks: hertz / 2)
    LocalAPIC.stopTimer()

    let intervalTicks = IntervalTimer.ticks - begin.interval
    let apicTicks = timerTicks.load(ordering: .relaxed)
    say("ticks: interval timer \(intervalTicks), local APIC timer \(apicTicks)")
    expect(apicTicks >= intervalTicks / 2 && apicTicks <= intervalTicks * 2, "the two timers disagree")
    if let pmTimer, let beginTime = begin.time {
      let milliseconds = PMTimer.milliseconds(from: beginTime, to: inl(pmTimer))
      say("power management timer: \(milliseconds) ms")
      expect(milliseconds >= 250 && milliseconds <= 2000, "500 ms of ticks took \(milliseconds) ms")
    }
  }

  /// How fast the local APIC's timer counts, by the interval timer.
  private static func measureTimer() -> UInt32 {
    IntervalTimer.sleep(ticks: 1)  // begin at a tick
    LocalAPIC.startFreeRunningTimer()
    IntervalTimer.sleep(ticks: hertz / 10)
    let counts = LocalAPIC.elapsedCounts
    LocalAPIC.stopTimer()
    expect(counts > 0, "the local APIC timer does not count")
    return counts * 10
  }

  /// One interrupt a second, and the processor halted in between.
  private static func tickForever(_ countsPerSecond: UInt32) -> Never {
    IntervalTimer.stop()
    timerTicks.store(0, ordering: .relaxed)
    LocalAPIC.startPeriodicTimer(vector: timerVector, counts: countsPerSecond)
    var second = 0
    while true {
      second += 1
      Interrupts.wait { timerTicks.load(ordering: .relaxed) >= second }
      say("tick \(second)")
    }
  }
}

/// The power management timer (ACPI 6.4, 4.8.2.1).
private enum PMTimer {
  /// The time between two readings less than a turn (4.7 s) apart. 24 bits are surely counted, the rest may
  /// be.
  static func milliseconds(from begin: UInt32, to end: UInt32) -> Int {
    Int((end &- begin) & 0xff_ffff) * 1000 / 3_579_545
  }
}
