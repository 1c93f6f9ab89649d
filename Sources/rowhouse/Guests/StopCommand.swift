import ArgumentParser
import Control
import Glibc
import Host
import Machine

/// `rowhouse stop`: presses the power button, and sees to it that the guest ends.
struct StopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "Presses a guest's power button, waits, and ends it if it has not ended by then.",
    discussion: """
      A guest that is starting gets the button pressed as soon as it runs. A VMM that does not obey gets SIGTERM, and \
      then SIGKILL, which is said: its guest has crashed. What is left of the guest stays, for `wait`, `logs` and \
      `list`, until `remove` or until its name is used again.
      """)

  @OptionGroup var selection: GuestSelection

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How long a guest may take to end (default: 10).", valueName: "seconds"))
  var grace: String?

  @Flag(help: "Remove what is left of the guests, too.")
  var remove = false

  func run() throws {
    let grace = try grace.map { text throws(ConfigurationError) in
      try Configuration.parseSeconds(text, option: "--grace")
    }
    let guests = try selection.guests()
    let deadline = Instant.now.advanced(byNanoseconds: grace ?? 10_000_000_000)
    // All buttons first: the guests end at the same time. Paused, one would not see it.
    var buttons = ControlRound([.resume, .powerButton], to: guests)
    for (guest, failure) in buttons.lastingFailures(until: deadline) where guest.isAlive {
      // One that says nothing may do it yet, or is killed, which is said.
      if failure.isNoAnswer { continue }
      StandardError.say("\(guest.explanation(of: failure, "\(guest.name)")): its power button was not pressed")
    }
    var failures: [any Error] = []
    let late = guests.late(until: deadline, &failures)
    failures += late.killAll()
    for guest in guests { guest.settleIfPossible() }
    if remove {
      let street = try Street()
      failures += guests.failures { guest in try guest.remove(from: street) }
    }
    try failures.report()
  }
}

/// `rowhouse kill`: ends a guest at once.
struct KillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kill", abstract: "Ends a guest at once, as if its power had failed.")

  @OptionGroup var selection: GuestSelection

  func run() throws {
    let guests = try selection.guests()
    let failures = guests.killAll()
    for guest in guests { guest.settleIfPossible() }
    try failures.report()
  }
}

extension [GuestFolder] {
  /// How long VMMs may take to end their guests, in nanoseconds; as long again after SIGTERM.
  private static var patience: UInt64 { 2_000_000_000 }

  /// Ends all at the same time: what a VMM gives back to the host takes it a while. One that cannot be asked gets
  /// SIGTERM, after which its guest still has a verdict. One that does not obey is killed itself, which is said.
  ///
  /// - Returns: what went wrong.
  fileprivate func killAll() -> [any Error] {
    var failures: [any Error] = []
    let deadline = Instant.now.advanced(byNanoseconds: Self.patience)
    var kills = ControlRound([.kill], to: self)
    // The answers are the ends.
    _ = kills.lastingFailures(until: deadline)
    let deaf = late(until: deadline, &failures)
    if deaf.isEmpty { return failures }
    _ = deaf.signal(SIGTERM)
    let late = deaf.late(until: .now.advanced(byNanoseconds: Self.patience), &failures)
    for guest in late { StandardError.say("\(guest.name): its VMM does not end the guest, and is killed") }
    let deathless = late.signal(SIGKILL)
    if deathless.isEmpty { _ = late.late(until: nil, &failures) }
    return failures + deathless
  }

  /// Waits for all their ends.
  ///
  /// - Parameters:
  ///   - deadline: nil: no limit.
  ///   - failures: gets what went wrong with those of which it cannot be told.
  /// - Returns: those that have not ended by then.
  fileprivate func late(until deadline: Instant?, _ failures: inout [any Error]) -> [GuestFolder] {
    filter { guest in
      do throws(HostError) { return try guest.awaitEnd(until: deadline) == nil } catch {
        failures.append(error)
        return false
      }
    }
  }

  private func signal(_ number: Int32) -> [any Error] {
    failures { guest in
      do throws(SystemCallError) { try guest.send(number) } catch { throw HostError("\(guest.name): \(error)") }
    }
  }
}
