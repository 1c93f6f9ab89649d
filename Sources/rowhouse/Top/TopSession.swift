import Glibc
import Host

/// `rowhouse top` on a terminal: a clock, keys, and the terminal's changes of size.
final class TopSession {
  private let top: Top
  private let interval: UInt64
  private let loop: EventLoop
  private let signals: SignalFD
  private let clock: TimerFD
  private let screen: TopScreen
  private let terminal = TerminalKeeper()
  private var input = TerminalInput()
  /// Whether there is something to show for which the terminal was not ready.
  private var isBehind = false
  private var isEnding = false

  /// How long the terminal may take for the rest when the session ends, in nanoseconds.
  private static let patience: UInt64 = 1_000_000_000

  init(_ top: Top, every interval: UInt64) throws(SystemCallError) {
    self.top = top
    self.interval = interval
    // Who has gone is seen by the failed write.
    signal(SIGPIPE, SIG_IGN)
    loop = try EventLoop()
    signals = try SignalFD([SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT])
    clock = try TimerFD()
    screen = TopScreen(StreamWriter(to: try .standard(STDOUT_FILENO), limit: 1, loop: loop))
  }

  func run() throws(SystemCallError) {
    terminal?.take()
    defer { terminal?.giveBack() }
    try signals.collect()
    screen.whenChanged = { [unowned self] in screenChanged() }
    try loop.add(signals.number, .readable) { [unowned self] _ in
      while let signal = signals.next() { handle(signal) }
    }
    try loop.add(clock.number, .readable) { [unowned self] _ in
      clock.acknowledge()
      if isEnding { loop.stop() } else { look() }
    }
    try loop.add(STDIN_FILENO, .readable) { [unowned self] _ in readKeys() }
    look()
    try loop.run()
    try finish()
  }

  /// Gives the old screen back, and waits for it and for the terminal's answer, which would be typed for the shell; not
  /// for ever.
  private func finish() throws(SystemCallError) {
    isEnding = true
    screen.close()
    guard !screen.isIdle, !screen.isGone else { return }
    clock.arm(at: .now.advanced(byNanoseconds: Self.patience))
    try loop.run()
  }

  private func handle(_ signal: Int32) {
    switch signal {
    case SIGCONT, SIGWINCH:
      if signal == SIGCONT { terminal?.take() }
      screen.clear()
      draw()
    default: loop.stop()
    }
  }

  private func look() {
    top.look()
    draw()
    clock.arm(at: .now.advanced(byNanoseconds: interval))
  }

  private func draw() {
    isBehind = !screen.isIdle
    guard !isBehind, !isEnding else { return }
    let size = Drawing.size
    screen.show(top.view.lines(columns: size.columns, rows: size.rows))
  }

  private func screenChanged() {
    if screen.isGone || isEnding && screen.isIdle { return loop.stop() }
    if isBehind { draw() }
  }

  private func readKeys() {
    var keys = InlineArray<64, UInt8>(repeating: 0)
    // SAFETY: the local array's own memory.
    let count = unsafe withUnsafeMutableBytes(of: &keys) { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
    // The terminal is gone.
    guard count > 0 else {
      loop.remove(STDIN_FILENO)
      return loop.stop()
    }
    for index in 0..<count {
      switch input.take(keys[index]) {
      case nil: break
      case .status: screen.hasAnswered()
      case .key("q"), .key("\u{03}"): return loop.stop()
      case .key(let key):
        guard let order = TopView.Order(rawValue: key) else { continue }
        top.order = order
        draw()
      }
    }
  }
}
