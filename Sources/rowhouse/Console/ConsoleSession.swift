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
  private let folder: GuestFolder
  private let screen: ConsoleScreen
  private let terminal: TerminalKeeper?
  /// Rings when the VMM has had its time to let this viewer in, and at the end when the terminal has had its time.
  private let patience: TimerFD
  private(set) var isAttached = false
  private var connection: ConsoleConnection!
  private var keyboard: KeyboardRelay?
  private let mayWrite: Bool
  /// Whether the person knows of another who writes.
  private var isShutOut = false
  private var hasSaidThatKeysGoNowhere = false
  private var end: End?
  /// Whether nothing is left but to give the terminal back.
  private var isLeaving = false
  /// Makes the terminal again what the guest had made of it before it was lent to others.
  private var takeScreenBack: (() -> Void)?

  /// How long a terminal may take for what makes it usual again, in nanoseconds.
  private static let lastPatience: UInt64 = 1_000_000_000

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
    patience = try TimerFD()
    terminal = TerminalKeeper()
    screen = try ConsoleScreen(isAnswered: terminal != nil, on: loop)
    self.folder = folder
    mayWrite = attachment.writing != .never
    var attachment = attachment
    attachment.window = Self.window
    connection = try ConsoleConnection(socket, attachment, on: loop) { [unowned self] message, _ in
      take(message)
    } ended: { [unowned self] in
      finish(.cutOff)
    }
    screen.whenChanged = { [unowned self] in screenChanged() }
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
      if isLeaving { loop.stop() } else { finish(.silent) }
    }
    patience.arm(at: .now.advanced(byNanoseconds: ControlClient.patience))
    try loop.run()
    try leave()
    return end ?? .detached
  }

  /// Gives the terminal back, and waits until it is as it was; not for ever.
  private func leave() throws(SystemCallError) {
    isLeaving = true
    // While a line feed still is no more than that.
    screen.leave()
    keyboard?.pause()
    connection.close()
    if !screen.isDone {
      patience.arm(at: .now.advanced(byNanoseconds: Self.lastPatience))
      try loop.run()
    }
    // Whatever is said to it after this, a signal ends.
    if !screen.isDone { signals.release() }
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
      if terminal != nil { greet() }
    case .output(let bytes):
      screen.show(bytes)
      if !screen.hasRoom { connection.setReading(false) }
    case .notice(.youWrite): (isShutOut, hasSaidThatKeysGoNowhere) = (false, false)
    case .notice(.takenOver):
      isShutOut = true
      screen.say("another has taken over" + hint("Ctrl-A w takes it back"))
    case .notice(.othersWrite):
      // Nobody is there who could do something about it.
      guard terminal != nil else { return finish(.refused(.notAllowed)) }
      isShutOut = true
      if !hasSaidThatKeysGoNowhere { screen.say("not typed: another writes; Ctrl-A w takes over") }
      hasSaidThatKeysGoNowhere = true
    case .notice(.nobodyWrites):
      if isShutOut, mayWrite { screen.say("nobody writes here any more" + hint("your next key does")) }
      (isShutOut, hasSaidThatKeysGoNowhere) = (false, false)
    case .reply(.ended(let code, let value)): finish(Verdict(code: code, value: value).map(End.guestEnded) ?? .cutOff)
    case .reply(.refused(let fault)): finish(.refused(fault))
    case .reply: break
    }
  }

  /// What a person should know who has just come. Notices are short, as not every window is wide.
  private func greet() {
    screen.say("attached; Ctrl-A d detaches, Ctrl-A h helps")
    if isShutOut, mayWrite { screen.say("another writes here; Ctrl-A w takes over") }
    if (try? folder.look())?.state == .paused { screen.say("the guest is paused; `rowhouse resume` has it go on") }
  }

  /// What a notice has to say to who has keys.
  private func hint(_ words: String) -> String { terminal == nil ? "" : "; " + words }

  private func screenChanged() {
    if isLeaving {
      if screen.isDone { loop.stop() }
      return
    }
    switch screen.failure {
    case nil: break
    case .brokenPipe: return finish(.detached)
    // A terminal that has gone says so by a signal as well.
    case .inputOutput where terminal != nil: return finish(.signalled(SIGHUP))
    case let failure?: return finish(.outputFailed(failure))
    }
    if end != nil, screen.isDone { return loop.stop() }
    connection.setReading(screen.hasRoom)
  }

  /// Ends the session when standard output has the rest; a person, by key or signal, does not wait for it. Who detaches
  /// from a guest that has ended meanwhile is told so.
  private func finish(_ end: End) {
    if self.end == nil { self.end = end }
    switch end {
    case .signalled, .outputFailed:
      self.end = end
      loop.stop()
    case .detached: loop.stop()
    case .guestEnded, .refused, .cutOff, .silent: if screen.isDone { loop.stop() }
    }
  }

  // MARK: From the person

  private func obey(_ command: EscapeKeys.Command) {
    switch command {
    case .detach: finish(.detached)
    case .takeOver: connection.send(.takeOver)
    case .tellSize:
      let window = Self.window
      guard window != .unknown else { return screen.say("the window's size is not known; nothing is typed") }
      let words = "stty rows \(window.rows) columns \(window.columns)\r"
      connection.writer.write(ConsoleConnection.input(Array(words.utf8)))
    case .help: keyboard?.help.forEach(screen.say)
    // Not among the keys that were asked for.
    case .end: break
    }
  }

  private func handle(_ signal: Int32) {
    switch signal {
    case SIGWINCH: connection.send(.window(Self.window))
    case SIGTSTP:
      takeScreenBack = screen.lend()
      keyboard?.pause()
      // Stops as the shell wants its jobs to; SIGCONT, which comes here like the others, goes on.
      kill(getpid(), SIGSTOP)
    case SIGCONT:
      guard isAttached, !isLeaving else { return }
      keyboard?.resume()
      if terminal?.isTaken == true { takeScreenBack?() }
      takeScreenBack = nil
    default: finish(.signalled(signal))
    }
  }
}
