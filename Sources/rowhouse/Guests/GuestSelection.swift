import ArgumentParser
import Control
import Host
import Machine

/// Which guests a command is about: those named, or all.
struct GuestSelection: ParsableArguments {
  @Argument(help: "The guests' names.", completion: .guests)
  var names: [String] = []

  @Flag(help: "All your guests.")
  var all = false

  func guests() throws -> [GuestFolder] {
    // A folder is held for each, and a command may keep a connection to each.
    ProcessControl.allowManyFiles()
    let street = try Street()
    switch (all, names.isEmpty) {
    case (true, true): return try street.guests()
    case (false, false): return try names.map(street.guest)
    case (true, false): throw ConfigurationError("--all", "give names or --all, not both")
    case (false, true): throw ConfigurationError("<names>", "name a guest, or give --all")
    }
  }
}

extension GuestSelection {
  /// Asks the VMMs of all these guests at once. One that is named has to be running; of all those that are.
  func ask(_ request: ControlRequest) throws {
    let guests = try guests().filter { !all || $0.isAlive }
    var round = ControlRound([request], to: guests)
    let failures = round.lastingFailures(until: .now.advanced(byNanoseconds: ControlClient.patience))
      .filter { guest, _ in !all || guest.isAlive }
    try failures.map { guest, failure in guest.explanation(of: failure, "\(guest.name)") }.report()
  }
}

extension [GuestFolder] {
  /// Does the same with each.
  ///
  /// - Returns: what went wrong.
  func failures(_ body: (GuestFolder) throws -> Void) -> [any Error] {
    compactMap { guest in
      do { try body(guest) } catch { return error }
      return nil
    }
  }
}

extension [any Error] {
  /// Says what went wrong, a line for each; the last is left to whoever says errors.
  func report() throws {
    for error in dropLast() { StandardError.say("\(error)") }
    if let last { throw last }
  }
}

/// One guest that a command is about.
struct OneGuest: ParsableArguments {
  @Argument(help: "The guest's name.", completion: .guests)
  var name: String

  func guest() throws -> GuestFolder { try Street().guest(name) }
}

extension CompletionKind {
  /// The names of all guests that there are. A shell asks for them by starting this program.
  static var guests: CompletionKind {
    .custom { _, _, _ in ((try? Street().names()) ?? []).map(\.description) }
  }
}

extension GuestFolder {
  /// Asks the guest's VMM, again while it cannot be asked, and explains what it refuses.
  ///
  /// - Parameter words: what a person has asked for, as the error names it.
  @discardableResult
  func ask(_ request: ControlRequest, _ words: String) throws -> ControlReply {
    var round = ControlRound([request], to: [self])
    let outcome = round.outcomes(until: .now.advanced(byNanoseconds: ControlClient.patience))[0].reply
    do throws(ControlClient.Failure) { return try outcome.get() } catch { throw explanation(of: error, words) }
  }

  /// The error that a person is shown; for `words` see ``ask(_:_:)``.
  func explanation(of failure: ControlClient.Failure, _ words: String) -> any Error {
    switch failure {
    case .gone where isAlive:
      HostError("\(name): its VMM has ended the connection, or is about to start or to end; try again")
    case .gone: notRunning
    case .silent, .full: HostError("\(name): its VMM does not answer")
    case .host(let error): HostError("\(name): \(error)")
    case .refused(let fault): explanation(of: fault, words)
    }
  }

  /// Only what another argument would mend is wrong usage.
  func explanation(of fault: ControlFault, _ words: String) -> any Error {
    switch fault {
    case .outOfRange, .noSuchDevice, .notAllowed, .noControlGroup, .refusedByHost:
      ConfigurationError(words, fault.reason)
    case .unknownRequest, .malformed, .notRunning, .busy, .otherVersion, .hostFailed:
      HostError("\(name): \(fault.reason)")
    }
  }

  var notRunning: HostError { HostError("\(name): the guest is not running") }
}

extension ControlFault {
  var reason: String {
    switch self {
    case .unknownRequest, .malformed: "the guest's VMM is of another version and does not know this request"
    case .notRunning: "the guest is starting or has ended"
    case .noSuchDevice: "the guest has no such device; give it one when you start it"
    case .outOfRange: "the guest cannot have this value"
    case .busy: "its VMM serves as many as it can; try again"
    case .otherVersion: "the guest's VMM is of another version; use the `rowhouse` that started the guest"
    case .notAllowed: "another writes on the console, or this is not allowed to"
    case .noControlGroup: "a weight is for a control group; start the guest with --cgroup"
    case .refusedByHost:
      """
      the host's kernel does not take it for the guest's control group, which wants at least 1ms in each period, and a \
      burst that is not above that
      """
    case .hostFailed: "the host cannot do it; the VMM's log has what its kernel said"
    }
  }
}
