import Glibc
import Host

/// The window of the terminal that a guest's console is on; on the I/O thread.
final class TerminalWindow {
  private let signals: SignalFD

  /// To be called before any thread is started, since the signal is the I/O thread's.
  ///
  /// - Returns: nil when standard output is no terminal.
  init?() throws(SystemCallError) {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    signals = try SignalFD([SIGWINCH])
    try signals.collect()
  }

  /// Nil: nobody knows.
  var size: TerminalSize? { TerminalSize(of: STDOUT_FILENO) }

  /// - Parameter changed: called when it has another size.
  func watch(on loop: EventLoop, changed: @escaping () -> Void) throws(SystemCallError) {
    try loop.add(signals.number, .readable) { [unowned self] _ in
      while signals.next() != nil {}
      changed()
    }
  }
}
