import Glibc
import Host

/// Lines about guests on a terminal whose window may be smaller than they are. Every character is a cell wide.
enum Drawing {
  /// Rows and columns of standard output's window.
  static var size: (rows: Int, columns: Int) {
    TerminalSize(of: STDOUT_FILENO).map { (Int($0.rows), Int($0.columns)) } ?? (24, 80)
  }

  // ECMA-48: CUP, EL, ED.
  static func move(_ row: Int, _ column: Int) -> String { "\u{1b}[\(row + 1);\(column + 1)H" }
  static let eraseLine = "\u{1b}[K"
  static let eraseBelow = "\u{1b}[J"

  /// What draws lines over those that were there, whatever they were, and leaves the cursor below them.
  ///
  /// - Parameter size: of the window, which shows no more than fit in above the cursor.
  static func over(_ lines: [String], in size: (rows: Int, columns: Int)) -> String {
    let shown = lines.cut(toRows: max(1, size.rows - 1)).cut(toColumns: size.columns)
    let text = shown.map { line in
      // Behind the last column the cursor still is in it.
      line + (line.count < size.columns ? eraseLine : "") + "\n"
    }
    return move(0, 0) + text.joined() + eraseBelow
  }
}

extension [String] {
  /// The first lines, one for each guest but the head, and how many are not among them.
  func cut(toRows rows: Int) -> [String] {
    guard count > rows, rows > 0 else { return self }
    return prefix(rows - 1) + ["… \(count - rows + 1) more guests"]
  }

  func cut(toColumns columns: Int) -> [String] { map { String($0.prefix(columns)) } }
}
