/// The last lines of a text that comes in pieces. What stands behind the last line feed is a line, too.
struct LastLines {
  private let count: Int
  private var text: [UInt8] = []
  /// What is kept before lines are counted again, in bytes.
  private var limit = Self.step
  private static let step = 1 << 20

  /// - Parameter count: how many lines, 0 or more.
  init(_ count: Int) { self.count = count }

  mutating func append(_ bytes: [UInt8]) {
    text += bytes
    guard text.count > limit else { return }
    text = self.bytes
    limit = text.count + Self.step
  }

  /// The lines with their line feeds.
  var bytes: [UInt8] {
    if count == 0 { return [] }
    var (start, left) = (text.endIndex, count)
    // The line feed at the end ends the last line and begins none.
    if text.last == UInt8(ascii: "\n") { start -= 1 }
    while let feed = text[..<start].lastIndex(of: UInt8(ascii: "\n")) {
      left -= 1
      if left == 0 { return Array(text[(feed + 1)...]) }
      start = feed
    }
    return text
  }
}
