/// Takes what asks a terminal something out of bytes that come in pieces: see ``TerminalQueries``.
package struct QueryFilter {
  /// A sequence that has begun and not ended.
  private var begun: [UInt8] = []
  /// Of such a sequence, in bytes; pictures (sixel) are some of the longest that there are.
  private static let most = 1 << 20

  package init() {}

  /// Takes the next piece.
  ///
  /// - Returns: what may be shown by now. A sequence that has not ended waits for its rest, and is never shown when
  ///   that does not come; one that is too long loses its ESC, so that the terminal takes it for text.
  package mutating func passed(_ piece: [UInt8]) -> [UInt8] {
    let (kept, rest) = TerminalQueries.divided(begun + piece)
    begun = Array(rest)
    guard begun.count > Self.most else { return kept }
    let text = Array(begun.dropFirst())
    begun = []
    return kept + passed(text)
  }
}
