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

  /// The mode in which every key goes through as it is typed, Ctrl-C too, and nothing is echoed.
  ///
  /// - Parameter keepsOutput: leave output as it is: a line feed goes to the line's start as well, for guests that
  ///   write bare line feeds.
  package func raw(keepsOutput: Bool) -> TerminalMode {
    var mode = self
    let outputFlags = state.c_oflag
    // SAFETY: the call only changes the variable.
    unsafe cfmakeraw(&mode.state)
    if keepsOutput { mode.state.c_oflag = outputFlags }
    return mode
  }

  /// Makes a terminal a plain channel of bytes, in both directions.
  package static func makeRaw(_ number: Int32) throws(SystemCallError) {
    try TerminalMode(of: number).raw(keepsOutput: false).apply(to: number)
  }
}
