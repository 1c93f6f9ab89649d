import ArgumentParser
import Machine

/// `rowhouse remove`: takes away what is left of ended guests.
struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Removes what is left of guests that have ended or crashed.",
    discussion: "With --all: of all those; running ones are left alone.")

  @OptionGroup var selection: GuestSelection

  @Flag(help: "Remove it also when what the guest used cannot be written into the ledger.")
  var force = false

  func run() throws {
    let street = try Street()
    var failures: [any Error] = []
    for guest in try selection.guests() {
      do {
        guard try !street.remove(guest, isDiscarded: force), !selection.all else { continue }
        throw ConfigurationError("\(guest.name)", "the guest is running; stop it first")
      } catch {
        failures.append(error)
      }
    }
    try failures.report()
  }
}
