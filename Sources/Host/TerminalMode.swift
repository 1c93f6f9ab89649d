import CLinux
import Glibc

/// How a terminal treats what goes through it (termios(3)).
package struct TerminalMode: Sendable {
  private var state: termios

  /// The mode that a terminal is in now.
  ///
  /// - Throws: `ENOTTY` when the descriptor is no terminal.
  package init(of number: Int32) throws(SystemCallError) {
    state = termios()
    // SAFETY: a local variable of the type that the call fills.
    unsafe try checked("tcgetattr", linux_terminal_get(number, &state))
  }

  /// Puts a terminal into this mode at once: one that takes no output must not keep anybody waiting.
  package func apply(to number: Int32) throws(SystemCallError) {
    var state = state
    // SAFETY: the call only reads the variable.
    unsafe try checked("tcsetattr", linux_terminal_set(number, &state))
  }

  /// The mode in which the terminal is a plain channel of bytes, in both directions: every key goes through as it is
  /// typed, Ctrl-C too, nothing is echoed, and a line feed is no more than that.
  package var raw: TerminalMode {
    var mode = self
    // SAFETY: the call only changes the variable.
    unsafe cfmakeraw(&mode.state)
    return mode
  }

  /// Whether the terminal goes to the line's start at a line feed by itself.
  package var returnsAtLineFeed: Bool {
    let flags = tcflag_t(OPOST | ONLCR)
    return state.c_oflag & flags == flags
  }

  /// Makes a terminal a plain channel of bytes.
  package static func makeRaw(_ number: Int32) throws(SystemCallError) {
    try TerminalMode(of: number).raw.apply(to: number)
  }
}
