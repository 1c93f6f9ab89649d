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
      Without a terminal standard input is typed as it is, and the command stays when it is over; while another \
      writes, nothing is typed, and the status is 2. Of a guest that has \
      ended the last of its log is shown. What is typed by `run`'s own terminal, or at --console pty or tcp:, is typed \
      besides, whoever writes here.

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
    guard let socket = try folder.connectToConsole() else {
      try sayEnd(folder, folder.awaitEnd() ?? .removed, lastBytes: attachment.replayBytes)
    }
    let (end, isAttached) = try host { () throws(SystemCallError) in
      let session = try ConsoleSession(folder, socket, attachment)
      return (try session.run(), session.isAttached)
    }
    switch end {
    case .detached: if isatty(STDIN_FILENO) == 1 { StandardError.say("detached from \(folder.name), which goes on") }
    case .signalled(let number): throw ExitCode(128 + number)
    case .refused(.notAllowed): throw folder.writerIsBusy
    case .refused(let fault): throw folder.explanation(of: fault, "\(folder.name)")
    case .silent: throw HostError("\(folder.name): its VMM does not answer")
    case .outputFailed(let errno): throw HostError("standard output: \(errno)")
    case .guestEnded(let verdict): try sayEnd(folder, .verdict(verdict))
    case .cutOff:
      if let end = try folder.awaitDeath() {
        try sayEnd(folder, end, lastBytes: isAttached ? 0 : attachment.replayBytes)
      }
      let reason = isAttached ? "has cut this console off: it did not read for too long" : "has ended the connection"
      throw HostError("\(folder.name): the guest's VMM \(reason)")
    }
  }

  /// - Parameter lastBytes: how much of the guest's log is shown first: what its VMM has not shown itself.
  /// - Throws: the exit status.
  private func sayEnd(_ folder: GuestFolder, _ end: GuestEnd, lastBytes: UInt32 = 0) throws -> Never {
    if lastBytes > 0, var log = try? LogReader(folder) {
      let history = try host { () throws(SystemCallError) in try ConsoleHistory() }
      while let piece = try? log.read() { if case .bytes(let bytes) = piece { history.append(bytes) } }
      var words = try GuestWords()
      try words.write(history.replay(Int(lastBytes)))
      try words.end()
    }
    StandardError.say("\(folder.name): \(end)")
    throw ExitCode(end.exitStatus)
  }
}
