/// What a guest's programs ask of the terminal, which answers as if somebody typed: where the cursor is, what kind of
/// terminal it is. A shell with line editing does so at each prompt.
///
/// Asked again by a replay, the answer would be typed into whatever runs by then. So replays leave it out. Sequences:
/// ECMA-48, sections 5.4 and 8.3; DEC's and xterm's own: xterm's ctlseqs.
enum TerminalQueries {
  /// The same bytes without the questions. One that has only begun at the end stays: its rest is yet to come.
  static func removed(from bytes: [UInt8]) -> [UInt8] {
    var rest = bytes[...]
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    while let start = rest.firstIndex(where: { $0 == enquiry || $0 == escape }) {
      kept += rest[..<start]
      rest = rest[start...]
      let sequence = rest.prefix(length(of: rest))
      if !isQuery(sequence) { kept += sequence }
      rest = rest.dropFirst(sequence.count)
    }
    return kept + rest
  }

  private static let enquiry: UInt8 = 0x05
  private static let bell: UInt8 = 0x07
  private static let escape: UInt8 = 0x1b

  /// The bytes of the control sequence or string that `bytes` begin with; all of them when it does not end.
  private static func length(of bytes: ArraySlice<UInt8>) -> Int {
    guard bytes.first == escape, let kind = bytes.dropFirst().first else { return 1 }
    let body = bytes.dropFirst(2)
    switch kind {
    case UInt8(ascii: "["):
      // Parameters and intermediate bytes, then one final byte.
      let count = body.prefix { (0x20...0x3f).contains($0) }.count
      return min(2 + count + 1, bytes.count)
    case UInt8(ascii: "]"), UInt8(ascii: "P"):
      for index in body.indices {
        if body[index] == bell { return index - bytes.startIndex + 1 }
        if body[index] == escape { return min(index - bytes.startIndex + 2, bytes.count) }
      }
      return bytes.count
    default: return 2
    }
  }

  private static func isQuery(_ sequence: ArraySlice<UInt8>) -> Bool {
    if sequence.first == enquiry { return true }
    guard let kind = sequence.dropFirst().first, let last = sequence.last else { return false }
    let body = sequence.dropFirst(2)
    switch kind {
    case UInt8(ascii: "["):
      let parameters = body.dropLast()
      switch last {
      // Device attributes, status report, terminal parameters.
      case UInt8(ascii: "c"), UInt8(ascii: "n"), UInt8(ascii: "x"): return true
      // The window's state, size and title; other numbers change them.
      case UInt8(ascii: "t"): return (11...21).contains(Int(String(decoding: parameters, as: UTF8.self)) ?? 0)
      // A mode's state; the keyboard's and the terminal's name.
      case UInt8(ascii: "p"): return parameters.last == UInt8(ascii: "$")
      case UInt8(ascii: "u"): return parameters.first == UInt8(ascii: "?")
      case UInt8(ascii: "q"): return parameters.first == UInt8(ascii: ">")
      default: return false
      }
    // A colour's value and the like: the last parameter is a question mark.
    case UInt8(ascii: "]"): return text(of: body).suffix(2).elementsEqual(";?".utf8)
    // A setting's value, or a capability's.
    case UInt8(ascii: "P"): return text(of: body).starts(with: "$q".utf8) || text(of: body).starts(with: "+q".utf8)
    // DECID
    case UInt8(ascii: "Z"): return true
    default: return false
    }
  }

  /// A control string without what ends it; nothing as long as it does not end.
  private static func text(of body: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    if body.last == bell { return body.dropLast() }
    return body.suffix(2).elementsEqual([escape, UInt8(ascii: "\\")]) ? body.dropLast(2) : []
  }
}
