import CLinux

/// A terminal's window, in characters.
package struct TerminalSize: Equatable, Sendable {
  package var columns: UInt16
  package var rows: UInt16

  package init(columns: UInt16, rows: UInt16) { (self.columns, self.rows) = (columns, rows) }

  /// - Returns: nil when the descriptor is no terminal, or one whose size nobody knows.
  package init?(of number: Int32) {
    var (columns, rows): (UInt16, UInt16) = (0, 0)
    // SAFETY: both pointers are to local variables that outlive the call.
    guard unsafe linux_window_size(number, &columns, &rows) == 0, columns > 0, rows > 0 else { return nil }
    self.init(columns: columns, rows: rows)
  }

  /// Gives a terminal this size; who has it open hears of it (SIGWINCH).
  package func apply(to number: Int32) throws(SystemCallError) {
    try checked("TIOCSWINSZ", linux_set_window_size(number, columns, rows))
  }
}
