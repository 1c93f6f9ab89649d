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
    // All buttons first: the guests end at the same time. One whose VMM does not answer takes nothing from the others' time.
    for guest in guests { guest.press() }
    let deadline = Instant.now.advanced(byNanoseconds: grace ?? 10_000_000_000)
    let late = try guests.filter { guest in try guest.awaitEnd(until: deadline) == nil }
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

extension GuestFolder {
  /// One that has ended has no button.
  fileprivate func press() {
    var client = try? ControlClient(self)
    // Paused, it would not see the button.
    _ = try? client?.ask(.resume)
    _ = try? client?.ask(.powerButton)
  }

  /// How long a VMM may take to answer, and to end its guest, in nanoseconds.
  private static let patience: UInt64 = 2_000_000_000

  /// Has the VMM end its guest.
  fileprivate func askForEnd() {
    var client = try? ControlClient(self)
    _ = try? client?.ask(.kill, until: .now.advanced(byNanoseconds: Self.patience))
  }

  /// Waits for that, and ends the VMM if it does not come.
  fileprivate func ensureEnd() throws {
    if try awaitEnd(until: .now.advanced(byNanoseconds: Self.patience)) != nil { return }
    do throws(SystemCallError) { try killProcess() } catch { throw HostError("\(name): \(error)") }
    _ = try awaitEnd()
  }
}

extension [GuestFolder] {
  /// Ends all at the same time: what a VMM gives back to the host takes it a while.
  fileprivate func killAll() throws {
    for guest in self { guest.askForEnd() }
    for guest in self { try guest.ensureEnd() }
  }
}
