import Hardware
import Synchronization

/// What each processor has done, in rounds.
private let firstRounds = Atomic<UInt64>(0)
private let otherRounds = Atomic<UInt64>(0)
private let started = Atomic<Int>(0)

/// Keeps its processors busy at their full speed, in ring 3, and counts what they do: a round is ten million turns of
/// a loop.
///
/// With `rounds=N` the first processor does so many and the guest powers off; without, it goes on for ever. With
/// `say=N` a line tells of every Nth round. With `alone` the other processors are left asleep. With `ports` the first
/// writes to a port that only stores after each million turns, so that its work can be counted from outside. With
/// `hertz=N` the first does a million turns so many times a second, 19 at the least, and sleeps until the next time.
@main enum Burn: Guest {
  private static let millions: UInt64 = 10

  static func run(_ start: StartInfo) {
    let rounds = start.options.number("rounds") ?? .max
    let interval = start.options.number("say") ?? .max
    let tells = start.options.contains("ports")
    expect(rounds > 0 && interval > 0, "rounds= and say= are above 0")
    Interrupts.configure()
    UserMode.configure()
    if !start.options.contains("alone") { startOthers(start) }
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

  private static func startOthers(_ start: StartInfo) {
    guard let rsdp = start.rsdp else { return }
    let ownID = LocalAPIC.id
    IntervalTimer.start(hertz: 100)
    Processors.prepare {
      let number = started.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
      UserMode.enable(number: number)
      while true {
        UserMode.countDown(millions: millions, number: number)
        otherRounds.wrappingAdd(1, ordering: .relaxed)
      }
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
