import Hardware
import Synchronization

/// What each processor has done, in rounds.
private let firstRounds = Atomic<UInt64>(0)
private let otherRounds = Atomic<UInt64>(0)
private let started = Atomic<Int>(0)
/// With `stretches=`: how long to look, in ticks of the time stamp counter, 0 before it begins; how many processors
/// have done so; and the longest stretch that one of them has seen.
private let ticksToLook = Atomic<UInt64>(0)
private let looked = Atomic<Int>(0)
private let longestStretch = Atomic<UInt64>(0)

/// Keeps its processors busy at their full speed, in ring 3, and counts what they do: a round is ten million turns of
/// a loop.
///
/// With `rounds=N` the first processor does so many and the guest powers off; without, it goes on for ever. With
/// `say=N` a line tells of every Nth round. With `alone` the other processors are left asleep. With `ports` the first
/// writes to a port that only stores after each million turns, so that its work can be counted from outside. With
/// `hertz=N` the first does a million turns so many times a second, 19 at the least, and sleeps until the next time.
/// With `stretches=N` all look at their time stamp counters for N milliseconds, and the longest stretch in which one of
/// them did not run is told.
@main enum Burn: Guest {
  private static let millions: UInt64 = 10

  static func run(_ start: StartInfo) {
    let rounds = start.options.number("rounds") ?? .max
    let interval = start.options.number("say") ?? .max
    let tells = start.options.contains("ports")
    expect(rounds > 0 && interval > 0, "rounds= and say= are above 0")
    Interrupts.configure()
    UserMode.configure()
    let milliseconds = start.options.number("stretches")
    if let milliseconds { expect((1...60_000).contains(milliseconds), "stretches= is 1 to 60000") }
    if !start.options.contains("alone") {
      startOthers(start) { number in
        if milliseconds != nil {
          while ticksToLook.load(ordering: .acquiring) == 0 {}
          lookForStretches(number: number)
        }
        burn(number: number)
      }
    }
    if let milliseconds { return tellStretches(milliseconds) }
    if let hertz = start.options.number("hertz") { workNowAndThen(Int(hertz)) }
    UserMode.enable(number: 0)
    say("burning on \(started.load(ordering: .relaxed) + 1) processors")
    let before = rdtsc()
    for round in 1...rounds {
      if tells {
        for _ in 0..<millions {
          UserMode.countDown(millions: 1, number: 0)
          outb(SerialPort.scratchPort, 0)
        }
      } else {
        UserMode.countDown(millions: millions, number: 0)
      }
      firstRounds.store(round, ordering: .relaxed)
      if round % interval == 0 { say("rounds=\(round)") }
    }
    let after = rdtsc()
    say("work=\((rounds + otherRounds.load(ordering: .relaxed)) * millions) million turns from TSC \(before) to \(after)")
  }

  private static func tellStretches(_ milliseconds: UInt64) {
    // The rate is what CPUID says (SDM volume 2, CPUID, leaf 15H): under a quota no other clock is read in time.
    let rate = cpuid(0).eax >= 0x15 ? cpuid(0x15) : cpuid_leaf()
    expect(rate.eax > 0 && rate.ebx > 0 && rate.ecx > 0, "CPUID does not tell the time stamp counter's rate")
    let hertz = UInt64(rate.ecx) * UInt64(rate.ebx) / UInt64(rate.eax)
    UserMode.enable(number: 0)
    ticksToLook.store(hertz * milliseconds / 1000, ordering: .releasing)
    lookForStretches(number: 0)
    while looked.load(ordering: .acquiring) <= started.load(ordering: .relaxed) {}
    say("longest stretch: \(longestStretch.load(ordering: .relaxed) * 1_000_000 / hertz) microseconds")
  }

  private static func lookForStretches(number: Int) {
    let longest = UserMode.lookAtTime(ticks: ticksToLook.load(ordering: .relaxed), number: number)
    longestStretch.max(longest, ordering: .relaxed)
    looked.wrappingAdd(1, ordering: .releasing)
  }

  private static func burn(number: Int) -> Never {
    while true {
      UserMode.countDown(millions: millions, number: number)
      otherRounds.wrappingAdd(1, ordering: .relaxed)
    }
  }

  private static func workNowAndThen(_ hertz: Int) -> Never {
    expect(hertz >= 19, "hertz= is at least 19")
    UserMode.enable(number: 0)
    IntervalTimer.start(hertz: hertz)
    say("burning now and then")
    while true {
      UserMode.countDown(millions: 1, number: 0)
      IntervalTimer.sleep(ticks: 1)
    }
  }

  /// Starts all other processors, each with a number of its own, 1 the first, with which it does `work`.
  private static func startOthers(_ start: StartInfo, work: @escaping (Int) -> Void) {
    guard let rsdp = start.rsdp else { return }
    let ownID = LocalAPIC.id
    IntervalTimer.start(hertz: 100)
    Processors.prepare {
      let number = started.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
      UserMode.enable(number: number)
      work(number)
    }
    var number = 0
    ACPITables(rsdp: rsdp).forEachProcessor { id in
      guard id != ownID, number + 1 < UserMode.processorCount else { return }
      Processors.initialize(id: id)
      IntervalTimer.sleep(ticks: 2)
      Processors.start(id: id, number: number)
      number += 1
      let hasStarted = IntervalTimer.wait(ticks: 200) { started.load(ordering: .relaxed) == number }
      expect(hasStarted, "the processor with APIC id \(id) does not start")
    }
    IntervalTimer.stop()
  }
}
