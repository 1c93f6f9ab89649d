import Host

/// A terminal's whole screen, on which only the lines that have changed are written anew: it does not flicker, and is
/// good for a slow line. The terminal gets its old screen back in the end. (ECMA-48 for the sequences, but for xterm's
/// alternate screen.)
final class TopScreen {
  private let output: SharedDescriptor
  private var shown: [String] = []

  init(_ output: SharedDescriptor) {
    self.output = output
    write("\u{1b}[?1049h\u{1b}[?25l")
    clear()
  }

  /// Gives the old screen back.
  func close() { write("\u{1b}[?25h\u{1b}[?1049l") }

  /// All is to be written anew: the terminal has another size.
  func clear() {
    shown = []
    write("\u{1b}[2J")
  }

  func show(_ lines: [String]) {
    write(Self.update(from: shown, to: lines))
    shown = lines
  }

  /// What turns a screen with the old lines into one with the new.
  static func update(from old: [String], to new: [String]) -> String {
    var text = ""
    for row in 0..<max(old.count, new.count) {
      let line = row < new.count ? new[row] : ""
      if row < old.count, old[row] == line { continue }
      // To the row's start, the line, and nothing behind it.
      text += "\u{1b}[\(row + 1);1H\(line)\u{1b}[K"
    }
    return text
  }

  /// Rows and columns of the terminal.
  var size: (rows: Int, columns: Int) {
    TerminalSize(of: output.number).map { (Int($0.rows), Int($0.columns)) } ?? (24, 80)
  }

  private func write(_ text: String) { if !text.isEmpty { try? output.descriptor.writeAll(text) } }
}
