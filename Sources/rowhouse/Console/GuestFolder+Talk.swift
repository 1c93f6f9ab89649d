import ArgumentParser
import Control
import Glibc
import Host
import Machine

extension GuestFolder {
  /// Says `bytes` on the guest's console, waits for what is expected, and says how that went.
  ///
  /// - Parameter whenOver: called when the guest has ended without its VMM having said so here.
  /// - Throws: the exit status where it did not go well.
  func talk(
    _ attachment: ConsoleAttachment, typing bytes: [UInt8]?, expecting expectation: Expectation?, nanoseconds: UInt64,
    whenOver: (GuestEnd) throws -> Void
  ) throws {
    if expectation != nil { try limitSearch(nanoseconds: nanoseconds) }
    let start = Instant.now
    // What is expected may come for as long as its alarm does not.
    let patience = expectation == nil ? nanoseconds : .max
    let late = ExitCode(Verdict.timeout.exitStatus)
    guard let socket = try connectToConsole(within: patience, orThrow: late) else {
      return try whenOver(awaitEnd() ?? .removed)
    }
    let left = nanoseconds - min(nanoseconds, Instant.now.nanoseconds(since: start))
    let end = try host { () throws(SystemCallError) in
      try ConsoleDialog(socket, attachment, typing: bytes, expecting: expectation, nanoseconds: left).run()
    }
    switch end {
    case .typed: return
    case .matched(let text): return Self.printMatch(text)
    case .timedOut:
      StandardError.say("\(name): \(expectation == nil ? "the guest has not taken the text" : Self.notInTime)")
    case .guestEnded(let verdict): StandardError.say("\(name): \(verdict)")
    case .refused(.notAllowed):
      throw writerIsBusy
    case .refused(let fault): throw explanation(of: fault, "\(name)")
    case .cutOff:
      if let end = try awaitDeath() { return try whenOver(end) }
      StandardError.say("\(name): the guest's VMM has ended the connection")
    }
    throw late
  }

  /// What is typed goes nowhere.
  var writerIsBusy: ConfigurationError {
    ConfigurationError("\(name)", "another has typed on the console less than 10 seconds ago; --write takes over")
  }

  static func printMatch(_ text: String) { print(GuestWords.shown(text)) }

  private static let notInTime = "it did not come"

  /// From now on.
  private func limitSearch(nanoseconds: UInt64) throws {
    do throws(SystemCallError) {
      try MatchAlarm.set(at: .now.advanced(byNanoseconds: nanoseconds), saying: "\(name): \(Self.notInTime)")
    } catch {
      throw HostError("\(name): \(error)")
    }
  }
}

extension GuestFolder {
  /// Connects to the guest's console, as soon as a guest that is about to start has one.
  ///
  /// - Parameter late: what to throw, with the explanation said, when it is not there in time; nil: the explanation.
  /// - Returns: nil when the guest has ended.
  func connectToConsole(
    within nanoseconds: UInt64 = ControlClient.patience, orThrow late: ExitCode? = nil
  ) throws -> SharedDescriptor? {
    let deadline = Instant.now.advanced(byNanoseconds: nanoseconds)
    while true {
      do throws(SystemCallError) {
        return SharedDescriptor(try connect(to: .console))
      } catch where [.noSuchFile, .connectionRefused, .again].contains(error.errno) {
        guard isAlive else { return nil }
        guard Instant.now < deadline else {
          let explanation = explanation(of: .gone, "\(name)")
          guard let late else { throw explanation }
          StandardError.say("\(explanation)")
          throw late
        }
        usleep(5000)
      } catch {
        throw HostError("\(name): \(error)")
      }
    }
  }

  /// How the guest ended whose VMM has just ended a connection: one that dies closes its sockets a moment before it is
  /// gone.
  ///
  /// - Returns: nil when the VMM lives, and meant it.
  func awaitDeath() throws -> GuestEnd? { try awaitEnd(until: .now.advanced(byNanoseconds: 1_000_000_000)) }
}
