import ArgumentParser
import Machine

/// `rowhouse remove`: takes away what is left of ended guests.
struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Removes what is left of guests that have ended or crashed.",
    discussion: "With --all: of all those; running ones are left alone.")

  @OptionGroup var selection: GuestSelection

  func run() throws {
    let street = try Street()
    for guest in try selection.guests() where try !street.remove(guest) && !selection.all {
      throw ConfigurationError("\(guest.name)", "the guest is running; stop it first")
    }
  }
}
