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
    let failures = ControlRound([request], to: guests)
      .failures(until: .now.advanced(byNanoseconds: ControlClient.patience))
      .filter { guest, _ in !all || guest.isAlive }
    try failures.map { guest, failure in guest.explanation(of: failure, "\(guest.name)") }.report()
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
  /// Asks the guest's VMM and explains what it refuses.
  ///
  /// - Parameter words: what a person has asked for, as the error names it.
  @discardableResult
  func ask(_ request: ControlRequest, _ words: String) throws -> ControlReply {
    do throws(ControlClient.Failure) {
      var client = try ControlClient(self)
      return try client.ask(request)
    } catch {
      throw explanation(of: error, words)
    }
  }

  /// The error that a person is shown; for `words` see ``ask(_:_:)``.
  func explanation(of failure: ControlClient.Failure, _ words: String) -> any Error {
    switch failure {
    case .gone where isAlive:
      HostError("\(name): its VMM has ended the connection, or is about to start or to end; try again")
    case .gone: ConfigurationError("\(name)", "the guest is not running")
    case .silent: HostError("\(name): its VMM does not answer")
    case .host(let error): HostError("\(name): \(error)")
    case .refused(let fault): ConfigurationError(words, fault.reason)
    }
  }
}

extension GuestFolder {
  /// Runs what talks to the guest's VMM in its own way, and explains when nobody answers.
  func reached<Result>(_ body: () throws(SystemCallError) -> Result) throws -> Result {
    do throws(SystemCallError) {
      return try body()
    } catch where error.errno == .noSuchFile || error.errno == .connectionRefused {
      throw ConfigurationError("\(name)", "the guest is not running")
    } catch {
      throw HostError("\(name): \(error)")
    }
  }
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
    }
  }
}
