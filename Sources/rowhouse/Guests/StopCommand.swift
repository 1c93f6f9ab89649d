import ArgumentParser
import Control
import Host
import Machine

/// `rowhouse stop`: presses the power button, and sees to it that the guest ends.
struct StopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "Presses a guest's power button, waits, and ends it if it has not ended by then.",
    discussion: """
      What is left of the guest stays, for `wait`, `logs` and `list`, until `remove` or until its name is used again.
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
    // All buttons first, and no answer is waited for: the guests end at the same time. Paused, one would not see it.
    let buttons = ControlRound([.resume, .powerButton], to: guests)
    let late = try guests.filter { guest in try guest.awaitEnd(until: deadline) == nil }
    for (guest, failure) in buttons.failures(until: .now) where guest.isAlive {
      // One that says nothing may do it yet, or is killed, which is said.
      if case .silent = failure { continue }
      StandardError.say("\(guest.explanation(of: failure, "\(guest.name)")): its power button was not pressed")
    }
    try late.killAll()
    for guest in guests {
      guest.settleIfPossible()
      if remove { _ = try Street().remove(guest) }
    }
  }
}

/// `rowhouse kill`: ends a guest at once.
struct KillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kill", abstract: "Ends a guest at once, as if its power had failed.")

  @OptionGroup var selection: GuestSelection

  func run() throws {
    let guests = try selection.guests()
    try guests.killAll()
    for guest in guests { guest.settleIfPossible() }
  }
}

extension [GuestFolder] {
  /// How long VMMs may take to end their guests, in nanoseconds.
  private static var patience: UInt64 { 2_000_000_000 }

  /// Ends all at the same time: what a VMM gives back to the host takes it a while. One that does not do it is killed
  /// itself, so that its guest has no verdict, which is said.
  fileprivate func killAll() throws {
    let deadline = Instant.now.advanced(byNanoseconds: Self.patience)
    // The answers are the ends.
    _ = ControlRound([.kill], to: self)
    let late = try filter { guest in try guest.awaitEnd(until: deadline) == nil }
    for guest in late {
      StandardError.say("\(guest.name): its VMM does not end the guest, and is killed")
      do throws(SystemCallError) { try guest.killProcess() } catch { throw HostError("\(guest.name): \(error)") }
    }
    for guest in late { _ = try guest.awaitEnd() }
  }
}
