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
    try selection.guests().failures { guest in
      try guest.remove(from: street, isDiscarded: force, mayRun: selection.all)
    }.report()
  }
}

extension GuestFolder {
  /// Takes away what is left of a guest that has ended; for `isDiscarded` see ``Street/remove(_:isDiscarded:)``.
  ///
  /// - Parameter mayRun: whether one that runs is left alone; else that is an error.
  func remove(from street: Street, isDiscarded: Bool = false, mayRun: Bool = false) throws {
    guard try !street.remove(self, isDiscarded: isDiscarded), !mayRun else { return }
    throw ConfigurationError("\(name)", "the guest is running; stop it first")
  }
}
