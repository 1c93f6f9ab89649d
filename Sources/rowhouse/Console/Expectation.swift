import Machine

/// A text that a script waits for on a console.
///
/// Carriage returns are left out, so that lines end as in a file; ^ and $ are at the ends of lines, and a character is
/// a Unicode scalar.
struct Expectation {
  struct Match: Equatable {
    /// What matched, or its first group if it has one.
    let text: String
    /// Whether it reaches to the end of what has come: more may make it longer, or end it.
    let isOpen: Bool
  }

  private let regex: Regex<AnyRegexOutput>
  private var text: [UInt8] = []
  /// What of a text without a match is kept for a match that goes on in the next, at least.
  private static let kept = 8 << 10

  init(_ pattern: String) throws(ConfigurationError) {
    do {
      regex = try Regex(pattern).anchorsMatchLineEndings().matchingSemantics(.unicodeScalar)
    } catch {
      throw ConfigurationError(pattern, "it is no regular expression: \(error)")
    }
  }

  /// Looks for the text in what has come and not matched.
  ///
  /// - Returns: nil: there is none yet.
  mutating func match(after bytes: [UInt8]) -> Match? {
    text += bytes.lazy.filter { $0 != UInt8(ascii: "\r") }
    let string = String(decoding: text, as: UTF8.self)
    if let match = try? regex.firstMatch(in: string) {
      let group = match.output.count > 1 ? match.output[1].substring : nil
      return Match(
        text: String(group ?? match.output[0].substring ?? ""), isOpen: match.range.upperBound == string.endIndex)
    }
    forget()
    return nil
  }

  /// Lets go of whole lines. Of one that is longer than what is kept the rest stays, behind a character that stands for
  /// the part that went, so that ^ is not where the rest begins.
  private mutating func forget() {
    guard text.count > 2 * Self.kept else { return }
    let cut = text.count - Self.kept
    if let newline = text[..<cut].lastIndex(of: UInt8(ascii: "\n")) {
      text.removeFirst(newline + 1)
    } else {
      text.removeFirst(cut - 1)
      // In no UTF-8 text, so it reads as U+FFFD.
      text[0] = 0xff
    }
  }
}
