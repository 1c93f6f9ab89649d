import ArgumentParser
import Control
import Host
import Machine

/// `rowhouse send`: types on a guest's console.
struct SendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Types on a guest's console, and may wait for the answer.",
    discussion: """
      Escapes in the text: \(TypedText.escapes). A guest's terminal takes \\r for the Enter key.

      The exit status is 0 when the guest has taken the text, and with --expect when the answer came; 124 when it did not in \
      time or the guest ended before. With --expect only what the guest says from now on counts, its echo of the text too, \
      and what matched is printed.
      """)

  @OptionGroup var guest: OneGuest

  @Argument(help: "What to type.")
  var text: String

  @Flag(help: "Type Enter after it.")
  var enter = false

  @Flag(help: "Take over from who writes on the console now.")
  var write = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Wait for an answer that matches this regular expression.", valueName: "regex"))
  var expect: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Wait no longer than this (default: 60).", valueName: "seconds"))
  var timeout: String?

  func run() throws {
    let bytes = try TypedText(text).bytes + (enter ? [0x0d] : [])
    let expectation = try expect.map { pattern throws(ConfigurationError) in try Expectation(pattern) }
    let limit = try ExpectCommand.limit(timeout)
    let attachment = ConsoleAttachment(replayBytes: 0, writing: write ? .takesOver : .whenFree)
    try guest.guest().talk(attachment, typing: bytes, expecting: expectation, nanoseconds: limit)
  }
}

/// `rowhouse expect`: waits for a text on a guest's console.
struct ExpectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "expect",
    abstract: "Waits until a guest says something on its console.",
    discussion: """
      What it has said before counts, too, as far as it is kept (64 KiB); not with --no-replay. The regular expression is \
      Swift's, which is much like Perl's: ^ and $ are at the ends of lines, and carriage returns are left out. A match is no \
      longer than 8 KiB. What matched is printed, or its first group.

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
    // Of a guest that has ended there is only the log.
    if (try? folder.look().isAlive) == false { return try folder.expectInLog(noReplay ? nil : expectation) }
    let attachment = ConsoleAttachment(replayBytes: noReplay ? 0 : .max, writing: .never)
    try folder.talk(attachment, typing: nil, expecting: expectation, nanoseconds: limit)
  }

  /// In nanoseconds.
  static func limit(_ timeout: String?) throws(ConfigurationError) -> UInt64 {
    try Configuration.parseSeconds(timeout ?? "60", option: "--timeout")
  }
}

extension GuestFolder {
  fileprivate func talk(
    _ attachment: ConsoleAttachment, typing bytes: [UInt8]?, expecting expectation: Expectation?, nanoseconds: UInt64
  ) throws {
    let end: ConsoleDialog.End
    do throws(SystemCallError) {
      end = try ConsoleDialog(
        self, attachment, typing: bytes, expecting: expectation, nanoseconds: nanoseconds
      ).run()
    } catch where error.errno == .noSuchFile || error.errno == .connectionRefused {
      throw ConfigurationError("\(name)", "the guest is not running")
    } catch {
      throw HostError("\(name): \(error)")
    }
    let failure = ExitCode(Verdict.timeout.exitStatus)
    switch end {
    case .typed: return
    case .matched(let text): return print(text)
    case .timedOut: StandardError.say("\(name): \(expectation == nil ? "the guest has not taken the text" : "it did not come")")
    case .guestEnded(let verdict): StandardError.say("\(name): \(verdict)")
    case .refused(.notAllowed):
      throw ConfigurationError("\(name)", "another writes on the console; --write takes over")
    case .refused(let fault): throw ConfigurationError("\(name)", fault.reason)
    case .cutOff: StandardError.say("\(name): the guest's VMM has ended the connection")
    }
    throw failure
  }

  fileprivate func expectInLog(_ expectation: Expectation?) throws {
    if var expectation, var log = try? LogReader(self) {
      while let bytes = try? log.read(), !bytes.isEmpty {
        if let match = expectation.match(after: bytes) { return print(match) }
      }
    }
    StandardError.say("\(name): the guest has ended, and its log does not have it")
    throw ExitCode(Verdict.timeout.exitStatus)
  }
}
