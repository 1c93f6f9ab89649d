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
      time or the guest ended before. With --expect only what the guest says from now on counts, its echo of the text \
      too, and what matched is printed. While another writes on the console, so for 10 seconds after each key, the \
      status is 2; what is typed by `run`'s own terminal, or at --console pty or tcp:, does not count as writing.
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
    let folder = try guest.guest()
    try folder.talk(attachment, typing: bytes, expecting: expectation, nanoseconds: limit) { end in
      StandardError.say("\(folder.name): \(end)")
      throw ExitCode(Verdict.timeout.exitStatus)
    }
  }
}
