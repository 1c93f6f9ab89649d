import Control
import Glibc
import Host
import Machine

/// A person at a guest's console: standard input and output, a terminal or not, and the guest's console.sock between
/// them and the VMM.
final class ConsoleSession {
  enum End: Equatable {
    /// By the person's keys, or because nobody reads the output any more.
    case detached
    case signalled(Int32)
    case guestEnded(Verdict)
    /// The VMM refused, and said why.
    case refused(ControlFault)
    /// The VMM ended the connection without a word.
    case cutOff
    /// The VMM has not let this viewer in, nor refused it.
    case silent
    /// Standard output takes no more.
    case outputFailed(Errno)
  }

  private let loop: EventLoop
  private let signals: SignalFD
  private let output: StreamWriter
  private var lineEnds = LineEnds(at: STDOUT_FILENO)
  /// Nil: nothing that is shown is answered, or the answers come to the guest.
  private var filter: QueryFilter?
  private let terminal: TerminalKeeper?
  /// Rings when the VMM has had its time to let this viewer in.
  private let patience: TimerFD
  private(set) var isAttached = false
  private var connection: ConsoleConnection!
  private var keyboard: KeyboardRelay?
  private let mayWrite: Bool
  /// Whether the guest hears of the window's size.
  private let tellsWindow: Bool
  /// Whether the person knows of another who writes.
  private var isShutOut = false
  private var hasSaidThatKeysGoNowhere = false
  private var end: End?

  /// What is kept of output that the terminal has not taken. Beyond that it waits in the VMM, which has its own limit.
  private static let mostOutput = 64 << 10

  /// Attaches. To be called before any thread is started.
  ///
  /// - Parameter socket: connected to the guest's console.sock.
  init(
    _ folder: GuestFolder, _ socket: SharedDescriptor, _ attachment: ConsoleAttachment
  ) throws(SystemCallError) {
    // Who has gone is seen by the failed write.
    signal(SIGPIPE, SIG_IGN)
    signals = try SignalFD(TerminalKeeper.endingSignals + [SIGTSTP, SIGCONT, SIGWINCH])
    try signals.collect()
    loop = try EventLoop()
    output = StreamWriter(to: try .standard(STDOUT_FILENO), limit: Self.mostOutput, loop: loop)
    patience = try TimerFD()
    terminal = TerminalKeeper()
    filter = terminal == nil ? GuestWords.filter : nil
    mayWrite = attachment.writing != .never
    tellsWindow = folder.start?.consoleDevice == .virtio
    var attachment = attachment
    attachment.window = Self.window
    connection = try ConsoleConnection(socket, attachment, on: loop) { [unowned self] message, _ in
      take(message)
    } ended: { [unowned self] in
      finish(.cutOff)
    }
    output.whenChanged = { [unowned self] in outputChanged() }
    // Without a terminal a viewer that may not write has nothing to read.
    guard mayWrite || terminal != nil else { return }
    let keys = EscapeKeys(mayWrite ? [.detach, .takeOver, .tellSize] : [.detach])
    keyboard = try KeyboardRelay(
      from: terminal, keys: keys, to: connection.writer, loop: loop,
      encode: { [mayWrite] in mayWrite ? ConsoleConnection.input($0) : [] }
    ) { [unowned self] in obey($0) }
  }

  private static var window: WindowSize {
    (TerminalSize(of: STDIN_FILENO) ?? TerminalSize(of: STDOUT_FILENO))
      .map { WindowSize(columns: $0.columns, rows: $0.rows) } ?? .unknown
  }

  /// Stays until something ends it.
  func run() throws(SystemCallError) -> End {
    // Whatever happens here, the terminal is its owner's again.
    defer { terminal?.giveBack() }
    try loop.add(signals.number, .readable) { [unowned self] _ in
      while let signal = signals.next() { handle(signal) }
    }
    try loop.add(patience.number, .readable) { [unowned self] _ in
      patience.acknowledge()
      finish(.silent)
    }
    patience.arm(at: .now.advanced(byNanoseconds: ControlClient.patience))
    try loop.run()
    return end ?? .detached
  }

  // MARK: From the VMM

  private func take(_ message: ConsoleMessage) {
    switch message {
    case .attached(let isWritten):
      isShutOut = isWritten
      isAttached = true
      patience.disarm()
      // Until now the terminal's keys make signals, so that nobody has to wait for a VMM that does not answer.
      keyboard?.resume()
      guard terminal != nil else { return }
      let others = isWritten && mayWrite ? "another writes here, Ctrl-A w takes over; " : ""
      // A serial line has no window.
      let size = mayWrite && !tellsWindow ? "Ctrl-A r types the window's size for the guest's shell, " : ""
      StandardError.say("attached; \(others)\(size)Ctrl-A d detaches, Ctrl-A h shows more")
    case .output(let bytes):
      output.write(lineEnds.added(to: filter?.passed(bytes) ?? bytes))
      if !output.hasRoom { connection.setReading(false) }
    case .notice(.youWrite): (isShutOut, hasSaidThatKeysGoNowhere) = (false, false)
    case .notice(.takenOver):
      isShutOut = true
      StandardError.say("another has taken over writing; Ctrl-A w takes it back")
    case .notice(.othersWrite):
      isShutOut = true
      if !hasSaidThatKeysGoNowhere {
        StandardError.say("another writes here: your keys go nowhere; Ctrl-A w takes over")
      }
      hasSaidThatKeysGoNowhere = true
    case .notice(.nobodyWrites):
      if isShutOut, mayWrite { StandardError.say("nobody writes here any more; your next key does") }
      (isShutOut, hasSaidThatKeysGoNowhere) = (false, false)
    case .reply(.ended(let code, let value)): finish(Verdict(code: code, value: value).map(End.guestEnded) ?? .cutOff)
    case .reply(.refused(let fault)): finish(.refused(fault))
    case .reply: break
    }
  }

  private func outputChanged() {
    switch output.failure {
    case nil: break
    case .brokenPipe: return finish(.detached)
    // A terminal that has gone says so by a signal as well.
    case .inputOutput where terminal != nil: return finish(.signalled(SIGHUP))
    case let failure?: return finish(.outputFailed(failure))
    }
    if end != nil, output.isEmpty { return loop.stop() }
    connection.setReading(output.hasRoom)
  }

  /// Ends the session when standard output has the rest; a person, by key or signal, does not wait for it.
  private func finish(_ end: End) {
    if self.end == nil { self.end = end }
    switch end {
    case .detached, .signalled, .outputFailed:
      self.end = end
      loop.stop()
    case .guestEnded, .refused, .cutOff, .silent: if output.isEmpty || output.isClosed { loop.stop() }
    }
  }

  // MARK: From the person

  private func obey(_ command: EscapeKeys.Command) {
    switch command {
    case .detach: finish(.detached)
    case .takeOver: connection.send(.takeOver)
    case .tellSize:
      let window = Self.window
      let words = "stty rows \(window.rows) columns \(window.columns)\r"
      if window != .unknown { connection.writer.write(ConsoleConnection.input(Array(words.utf8))) }
    case .help: StandardError.say(keyboard?.help ?? "")
    // Not among the keys that were asked for.
    case .end: break
    }
  }

  private func handle(_ signal: Int32) {
    switch signal {
    case SIGWINCH: connection.send(.window(Self.window))
    case SIGTSTP:
      keyboard?.pause()
      // Stops as the shell wants its jobs to; SIGCONT, which comes here like the others, goes on.
      kill(getpid(), SIGSTOP)
    case SIGCONT: if isAttached { keyboard?.resume() }
    default: finish(.signalled(signal))
    }
  }
}
