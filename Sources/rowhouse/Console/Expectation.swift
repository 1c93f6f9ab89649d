import Machine

/// A text that a script waits for on a console.
///
/// Carriage returns are left out, so that lines end as in a file; ^ and $ are at the ends of lines, and a character is a
/// Unicode scalar. A match is found in what has come so far, so one that may go on is found as soon as it can be.
struct Expectation {
  private let regex: Regex<AnyRegexOutput>
  private var text: [UInt8] = []
  /// What of a text without a match is kept for a match that goes on in the next.
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
  /// - Returns: the match, or its first group if it has one; nil: there is none yet.
  mutating func match(after bytes: [UInt8]) -> String? {
    text += bytes.lazy.filter { $0 != UInt8(ascii: "\r") }
    if let match = try? regex.firstMatch(in: String(decoding: text, as: UTF8.self)) {
      let group = match.output.count > 1 ? match.output[1].substring : nil
      return String(group ?? match.output[0].substring ?? "")
    }
    if text.count > Self.kept { text.removeFirst(text.count - Self.kept) }
    return nil
  }
}
