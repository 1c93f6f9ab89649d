import ArgumentParser
import Control
import Glibc
import Host
import Machine

/// `rowhouse console`: a person at a running guest's console.
struct ConsoleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console",
    abstract: "Attaches this terminal to a guest's console.",
    discussion: """
      First comes what the guest has said last. Many may watch; one writes: who types first, or takes over. Who has \
      typed nothing for 10 seconds gives way to who types then. On a terminal:
        Ctrl-A d       detaches; the guest goes on
        Ctrl-A w       takes over writing
        Ctrl-A r       types `stty rows R columns C`: a serial line does not tell the guest the window's size
        Ctrl-A Ctrl-A  sends a Ctrl-A
      Without a terminal standard input is typed as it is, and the command stays when it is over.

      The exit status is 0 after detaching, 128 + N after signal N, and that of `wait` when the guest has ended.
      """)

  @OptionGroup var guest: OneGuest

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How much of what was said before is shown (default: all that is kept, 64K).", valueName: "size"))
  var replay: String?

  @Flag(help: "Show only what is said from now on.")
  var noReplay = false

  @Flag(help: "Write from the start, and take over from who writes now.")
  var write = false

  @Flag(help: "Never write.")
  var readOnly = false

  func makeAttachment() throws(ConfigurationError) -> ConsoleAttachment {
    if write, readOnly { throw ConfigurationError("--write", "it goes against --read-only; give one of the two") }
    if replay != nil, noReplay {
      throw ConfigurationError("--replay", "it goes against --no-replay; give one of the two")
    }
    var bytes: UInt64 = noReplay ? 0 : UInt64(UInt32.max)
    if let replay {
      guard let size = ByteSize.parse(replay) ?? UInt64(replay) else {
        throw ConfigurationError("--replay \(replay)", "give a size like 4K, or a number of bytes")
      }
      bytes = size
    }
    return ConsoleAttachment(
      replayBytes: UInt32(clamping: bytes), writing: write ? .takesOver : readOnly ? .never : .whenFree)
  }

  func run() throws {
    let attachment = try makeAttachment()
    let folder = try guest.guest()
    let end = try folder.reached { () throws(SystemCallError) in try ConsoleSession(folder, attachment).run() }
    switch end {
    case .detached: if isatty(STDIN_FILENO) == 1 { StandardError.say("detached from \(folder.name), which goes on") }
    case .signalled(let number): throw ExitCode(128 + number)
    case .refused(let fault): throw ConfigurationError("\(folder.name)", fault.reason)
    case .guestEnded(let verdict):
      StandardError.say("\(folder.name): \(verdict)")
      throw ExitCode(verdict.exitStatus)
    case .cutOff: try explainCut(folder)
    }
  }

  /// A VMM that lives has cut off a viewer that did not read, or did not let it in. One that dies closes its sockets a
  /// moment before it is gone.
  private func explainCut(_ folder: GuestFolder) throws {
    guard let end = try folder.awaitEnd(until: .now.advanced(byNanoseconds: Self.deathNanoseconds)) else {
      throw HostError("\(folder.name): the guest's VMM has cut this console off: it did not read for too long")
    }
    StandardError.say("\(folder.name): \(end)")
    throw ExitCode(end.exitStatus)
  }

  private static let deathNanoseconds: UInt64 = 1_000_000_000
}
