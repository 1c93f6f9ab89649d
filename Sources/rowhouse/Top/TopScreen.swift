import Glibc
import Host

/// A terminal's whole screen, on which only what has changed is written anew: it does not flicker, and is good for a
/// slow line. The terminal gets its old screen back in the end. (ECMA-48 for the sequences, but for xterm's alternate
/// screen.)
///
/// Nobody waits for a terminal that is slow or stopped. Behind each picture it is asked how it is (ECMA-48, DSR), and
/// it answers when it has come so far: until then there is no other picture, however much the line and what lies
/// between can hold. So the one that comes then is of that moment. A terminal that never answers gets them all.
final class TopScreen {
  private let output: StreamWriter
  /// What the terminal shows when it has all that was written.
  private var shown: [String] = []
  /// When the terminal was asked; nil: it has answered.
  private var asked: Instant?
  private var answers = false

  /// Called when there may be another picture, and when the terminal has gone.
  var whenChanged: () -> Void {
    get { output.whenChanged }
    set { output.whenChanged = newValue }
  }

  private enum Sequence {
    static let open = "\u{1b}[?1049h\u{1b}[?25l"
    static let close = "\u{1b}[?25h\u{1b}[?1049l"
    static let erase = "\u{1b}[2J"
    static let askStatus = "\u{1b}[5n"
  }

  /// An answer that has not come by then was lost, in nanoseconds.
  private static let patience: UInt64 = 30_000_000_000

  init(_ output: StreamWriter) {
    self.output = output
    write(Sequence.open + Sequence.erase)
  }

  var isGone: Bool { output.isClosed }

  /// Whether the terminal has shown all, as far as it says so.
  var isIdle: Bool {
    let isBehind = answers && asked.map { Instant.now.nanoseconds(since: $0) < Self.patience } ?? false
    return output.isEmpty && !isBehind
  }

  /// Gives the old screen back.
  func close() { write(Sequence.close) }

  /// All is to be written anew: the terminal has another size, or another program has written on it.
  func clear() {
    shown = []
    write(Sequence.erase)
  }

  /// Shows a picture. To be called when the terminal is idle.
  func show(_ lines: [String]) {
    let update = Self.update(from: shown, to: lines)
    guard !update.isEmpty else { return }
    shown = lines
    let isAsked = answers || asked == nil
    if isAsked { asked = .now }
    write(update + (isAsked ? Sequence.askStatus : ""))
  }

  /// The terminal has answered.
  func hasAnswered() {
    answers = true
    asked = nil
    whenChanged()
  }

  /// What turns a screen with the old lines into one with the new. Every character is a cell wide.
  static func update(from old: [String], to new: [String]) -> String {
    var text = ""
    for row in 0..<max(old.count, new.count) {
      let (before, after) = (row < old.count ? old[row] : "", row < new.count ? new[row] : "")
      if before != after { text += update(row, from: Array(before), to: Array(after)) }
    }
    return text
  }

  /// As many cells that stay are cheaper to write again than to pass over.
  private static let gap = 8

  private static func update(_ row: Int, from old: [Character], to new: [Character]) -> String {
    var text = ""
    var column = 0
    /// Where the cursor is, when it is in this row.
    var cursor: Int?
    func isNew(_ column: Int) -> Bool { column >= old.count || old[column] != new[column] }
    while column < new.count {
      guard isNew(column) else {
        column += 1
        continue
      }
      var end = column + 1
      var next = end
      while next < new.count, next - end < gap {
        if isNew(next) { end = next + 1 }
        next += 1
      }
      text += Drawing.move(row, column) + String(new[column..<end])
      (column, cursor) = (end, end)
    }
    if new.count < old.count { text += (cursor == new.count ? "" : Drawing.move(row, new.count)) + Drawing.eraseLine }
    return text
  }

  private func write(_ text: String) { output.write(Array(text.utf8)) }
}
