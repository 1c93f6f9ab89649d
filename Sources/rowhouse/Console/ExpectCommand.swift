import ArgumentParser
import Control
import Host
import Machine

/// `rowhouse expect`: waits for a text on a guest's console.
struct ExpectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "expect",
    abstract: "Waits until a guest says something on its console.",
    discussion: """
      What it has said before counts, too, as far as it is kept (64 KiB; of a guest that has ended all of its log); \
      not with --no-replay. The regular expression \
      is Swift's, which is much like Perl's: ^ and $ are at the ends of lines, and carriage returns are left out. A \
      match is no longer than 8 KiB. What matched is printed, or its first group. A match that reaches to the end of \
      what has come may go on, so it counts when nothing has come for a quarter of a second. A guest may pause for \
      longer, in a number too: 'bytes=([0-9]+)\\n' has all of it.

      The exit status is 0 when it came, 124 when it did not in time or the guest ended before.
      """)

  @OptionGroup var guest: OneGuest

  @Argument(help: "What to wait for.")
  var regex: String

  @Flag(help: "Only what is said from now on counts.")
  var noReplay = false

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Wait no longer than this (default: 60).", valueName: "seconds"))
  var timeout: String?

  func run() throws {
    let expectation = try Expectation(regex)
    let limit = try Self.limit(timeout)
    let folder = try guest.guest()
    let attachment = ConsoleAttachment(replayBytes: noReplay ? 0 : .max, writing: .never)
    try folder.talk(attachment, typing: nil, expecting: expectation, nanoseconds: limit) { _ in
      // Of a guest that has ended there is only the log.
      try folder.expectInLog(noReplay ? nil : expectation)
    }
  }

  /// In nanoseconds.
  static func limit(_ timeout: String?) throws(ConfigurationError) -> UInt64 {
    try Configuration.parseSeconds(timeout ?? "60", option: "--timeout")
  }
}

extension GuestFolder {
  fileprivate func expectInLog(_ expectation: Expectation?) throws {
    if var expectation, var log = try? LogReader(self) {
      var match: Expectation.Match?
      while match?.isOpen ?? true, let piece = try? log.read() {
        if case .bytes(let bytes) = piece { match = expectation.match(after: bytes) }
      }
      if let match { return Self.printMatch(match.text) }
    }
    StandardError.say("\(name): the guest has ended, and its log does not have it")
    throw ExitCode(Verdict.timeout.exitStatus)
  }
}
