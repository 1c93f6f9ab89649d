/// What a terminal shows after what was written on it: as much of ECMA-48 and UTF-8 as our own programs use. Anything
/// else is a fault.
package struct TerminalModel {
  package let rows: Int
  package let columns: Int
  private var cells: [[Character]]
  /// The cursor, from 0. Behind the last column it waits there for what comes.
  private var row = 0
  private var column = 0
  /// What has come of a sequence that is not complete.
  private var pending: [UInt8] = []
  /// What made no sense.
  package private(set) var faults: [String] = []
  /// How often it was asked for its status (DSR), which is to be answered each time with ``answer``.
  package private(set) var questions = 0
  /// Whether the alternate screen is shown, and the cursor.
  package private(set) var isAlternate = false
  package private(set) var isCursorShown = true

  package static let answer = "\u{1b}[0n"

  package init(rows: Int, columns: Int) {
    (self.rows, self.columns) = (rows, columns)
    cells = Array(repeating: Array(repeating: " ", count: columns), count: rows)
  }

  /// What each row shows, without the blanks at its end.
  package var lines: [String] {
    cells.map { row in
      var row = row[...]
      while row.last == " " { row.removeLast() }
      return String(row)
    }
  }

  package mutating func take(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      pending.append(byte)
      if pending[0] == 0x1b { takeSequence() } else { takeCharacter() }
    }
  }

  private mutating func takeCharacter() {
    let length = pending[0] < 0x80 ? 1 : pending[0] < 0xe0 ? 2 : pending[0] < 0xf0 ? 3 : 4
    guard pending.count == length else { return }
    defer { pending = [] }
    guard let text = String(validating: pending, as: UTF8.self), text.count == 1, pending[0] >= 0x20 else {
      return faults.append("character \(pending)")
    }
    guard column < columns else { return faults.append("“\(text)” behind the last column") }
    cells[row][column] = text.first!
    column += 1
  }

  private mutating func takeSequence() {
    guard pending.count > 2 else {
      if pending.count == 2, pending[1] != UInt8(ascii: "[") { fault() }
      return
    }
    guard let last = pending.last, (0x40...0x7e).contains(last) else {
      if pending.count > 16 { fault() }
      return
    }
    let text = String(decoding: pending.dropFirst(2).dropLast(), as: UTF8.self)
    let numbers = text.split(separator: ";").compactMap { Int($0) }
    switch (Character(UnicodeScalar(last)), text) {
    case ("H", _) where numbers.count == 2 && (1...rows).contains(numbers[0]) && (1...columns).contains(numbers[1]):
      (row, column) = (numbers[0] - 1, numbers[1] - 1)
    case ("K", ""): for column in column..<columns { cells[row][column] = " " }
    case ("J", "2"): self.cells = TerminalModel(rows: rows, columns: columns).cells
    case ("n", "5"): questions += 1
    case ("h", "?1049"), ("l", "?1049"): isAlternate = last == UInt8(ascii: "h")
    case ("h", "?25"), ("l", "?25"): isCursorShown = last == UInt8(ascii: "h")
    default: return fault()
    }
    pending = []
  }

  private mutating func fault() {
    faults.append("sequence \(String(decoding: pending.dropFirst(), as: UTF8.self))")
    pending = []
  }
}
