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
      if case .silent = failure { continue }
      StandardError.say("\(guest.explanation(of: failure, "\(guest.name)")): its power button was not pressed")
    }
    var failures = try guests.filter { guest in try guest.awaitEnd(until: deadline) == nil }.killAll()
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
    let failures = try guests.killAll()
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
  fileprivate func killAll() throws -> [any Error] {
    let deadline = Instant.now.advanced(byNanoseconds: Self.patience)
    var kills = ControlRound([.kill], to: self)
    // The answers are the ends.
    _ = kills.lastingFailures(until: deadline)
    let deaf = try filter { guest in try guest.awaitEnd(until: deadline) == nil }
    if deaf.isEmpty { return [] }
    _ = deaf.signal(SIGTERM)
    let limit = Instant.now.advanced(byNanoseconds: Self.patience)
    let late = try deaf.filter { guest in try guest.awaitEnd(until: limit) == nil }
    for guest in late { StandardError.say("\(guest.name): its VMM does not end the guest, and is killed") }
    let failures = late.signal(SIGKILL)
    if failures.isEmpty { for guest in late { _ = try guest.awaitEnd() } }
    return failures
  }

  private func signal(_ number: Int32) -> [any Error] {
    failures { guest in
      do throws(SystemCallError) { try guest.send(number) } catch { throw HostError("\(guest.name): \(error)") }
    }
  }
}
