/// Rows of words under a head, each column as wide as its widest word.
struct TextTable {
  let text: String

  init(_ head: [String], _ rows: [[String]]) {
    let all = [head] + rows
    let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    text = all.map { row in
      let cells = zip(row, widths).map { word, width in word + String(repeating: " ", count: width - word.count) }
      return cells.joined(separator: "  ").trimmingSuffix() + "\n"
    }.joined()
  }
}

extension String {
  fileprivate func trimmingSuffix() -> String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
