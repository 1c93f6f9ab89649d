import FoundationEssentials

/// What the tool says to programs. Its keys are the names of its variables, in snake case; quantities end in their
/// unit.
protocol JSONDocument: Encodable {}

extension JSONDocument {
  /// The document as text, the same for the same content, with a line end.
  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    // Strings, whole numbers and truth values are all there is, and JSON can say them.
    let data = (try? encoder.encode(self)) ?? Data()
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}
