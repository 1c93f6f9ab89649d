/// Whose a part of a bar is. Each has a sign of its own, so that a bar can be read in black and white.
enum BarOwner: Equatable {
  /// By its place among the guests, from 0.
  case guest(Int)
  /// What is in use by others than guests.
  case others
  case free

  private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

  /// Guests that there is no letter left for share one sign.
  var sign: Character {
    switch self {
    case .guest(let index): index < Self.letters.count ? Self.letters[index] : "+"
    case .others: "#"
    case .free: "."
    }
  }

  /// Puts the owner's colour on a text, for a terminal (ECMA-48, SGR): neighbours have different ones.
  func paint(_ text: String) -> String {
    switch self {
    case .guest(let index): "\u{1b}[\(31 + index % 6)m\(text)\u{1b}[39m"
    case .others, .free: text
    }
  }
}

/// Shares of a whole as a row of cells: each belongs to whoever has what its middle stands for. What has less than half
/// a cell may have none.
struct DivisionBar {
  /// What each cell is; nil: the last one, when there is more than the whole.
  private let cells: [BarOwner?]

  /// - Parameter width: of the bar with its ends, 3 at least.
  init(_ parts: [(owner: BarOwner, amount: UInt64)], of whole: UInt64, width: Int) {
    let count = max(1, width - 2)
    var ends: [(owner: BarOwner, end: Double)] = []
    for part in parts { ends.append((part.owner, (ends.last?.end ?? 0) + Double(part.amount))) }
    let isBeyond = (ends.last?.end ?? 0) > Double(whole)
    cells = (0..<count).map { cell in
      if isBeyond, cell == count - 1 { return nil }
      let middle = (Double(cell) + 0.5) / Double(count) * Double(whole)
      return ends.first { $0.end > middle }?.owner ?? .free
    }
  }

  func text(isColored: Bool) -> String {
    var text = "["
    var start = 0
    while start < cells.count {
      let owner = cells[start]
      let end = cells[start...].firstIndex { $0 != owner } ?? cells.count
      let run = String(repeating: owner?.sign ?? ">", count: end - start)
      text += isColored ? owner?.paint(run) ?? run : run
      start = end
    }
    return text + "]"
  }
}
