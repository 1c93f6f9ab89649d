import ArgumentParser
import Control
import Host
import Machine

extension GuestFolder {
  /// Says `bytes` on the guest's console, waits for what is expected, and says how that went.
  ///
  /// - Throws: the exit status where it did not go well.
  func talk(
    _ attachment: ConsoleAttachment, typing bytes: [UInt8]?, expecting expectation: Expectation?, nanoseconds: UInt64
  ) throws {
    if expectation != nil { try limitSearch(nanoseconds: nanoseconds) }
    let end = try reached { () throws(SystemCallError) in
      try ConsoleDialog(
        self, attachment, typing: bytes, expecting: expectation, nanoseconds: nanoseconds
      ).run()
    }
    let failure = ExitCode(Verdict.timeout.exitStatus)
    switch end {
    case .typed: return
    case .matched(let text): return print(text)
    case .timedOut:
      StandardError.say("\(name): \(expectation == nil ? "the guest has not taken the text" : Self.notInTime)")
    case .guestEnded(let verdict): StandardError.say("\(name): \(verdict)")
    case .refused(.notAllowed):
      throw ConfigurationError(
        "\(name)", "another has typed on the console less than 10 seconds ago; --write takes over")
    case .refused(let fault): throw ConfigurationError("\(name)", fault.reason)
    case .cutOff: StandardError.say("\(name): the guest's VMM has ended the connection")
    }
    throw failure
  }

  private static let notInTime = "it did not come"

  /// From now on.
  func limitSearch(nanoseconds: UInt64) throws {
    do throws(SystemCallError) {
      try MatchAlarm.set(at: .now.advanced(byNanoseconds: nanoseconds), saying: "\(name): \(Self.notInTime)")
    } catch {
      throw HostError("\(name): \(error)")
    }
  }
}
