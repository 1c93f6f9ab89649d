import Machine

/// What a script types, as it is written in an argument: text with escapes.
struct TypedText {
  /// \n line feed, \r carriage return (the Enter key), \t tab, \e escape, \\ backslash, \xHH the byte of that number.
  static let escapes = "\\n \\r \\t \\e \\\\ \\xHH"

  let bytes: [UInt8]

  init(_ text: String) throws(ConfigurationError) {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "n"): bytes.append(0x0a)
      case UInt8(ascii: "r"): bytes.append(0x0d)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "e"): bytes.append(0x1b)
      case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
      case UInt8(ascii: "x"):
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
          throw ConfigurationError(text, "after \\x there are two hexadecimal digits")
        }
        bytes.append(value)
        rest = rest.dropFirst(2)
      case let other:
        let name = other.map { String(decoding: [$0], as: UTF8.self) } ?? ""
        throw ConfigurationError(text, "\\\(name) is no escape; there are \(Self.escapes)")
      }
    }
    self.bytes = bytes
  }
}
