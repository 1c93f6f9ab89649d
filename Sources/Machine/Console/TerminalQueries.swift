/// What a guest's programs ask of the terminal, which answers as if somebody typed: where the cursor is, what kind of
/// terminal it is. A shell with line editing does so at each prompt.
///
/// Asked again by a replay, the answer would be typed into whatever runs by then. So replays leave it out. Sequences:
/// ECMA-48, sections 5.4 and 8.3; DEC's and xterm's own: xterm's ctlseqs.
enum TerminalQueries {
  /// The same bytes without the questions. One that has only begun at the end stays: its rest is yet to come.
  static func removed(from bytes: ArraySlice<UInt8>) -> [UInt8] {
    let (kept, begun) = divided(Array(bytes))
    return kept + begun.filter { $0 != enquiry }
  }

  /// The bytes without the questions, up to a sequence that has not ended, and the bytes of that.
  static func divided(_ bytes: [UInt8]) -> (kept: [UInt8], begun: ArraySlice<UInt8>) {
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    let end = ControlSequence.scan(bytes) { place, sequence in
      if let sequence, isQuery(sequence) { kept += sequence.controls } else { kept += bytes[place] }
    }
    // A terminal answers ENQ also in the middle of a sequence.
    return (kept.filter { $0 != enquiry }, bytes[end...])
  }

  private static let enquiry: UInt8 = 0x05

  private static func isQuery(_ sequence: ControlSequence) -> Bool {
    guard let final = sequence.final else { return false }
    let content = sequence.content
    switch sequence.introducer {
    case UInt8(ascii: "["):
      switch final {
      // Device attributes, status report, terminal parameters.
      case UInt8(ascii: "c"), UInt8(ascii: "n"), UInt8(ascii: "x"): return true
      // The window's state, size and title; other numbers change them.
      case UInt8(ascii: "t"): return (11...21).contains(Int(sequence.text) ?? 0)
      // A mode's state; the keyboard's and the terminal's name.
      case UInt8(ascii: "p"): return content.last == UInt8(ascii: "$")
      case UInt8(ascii: "u"): return content.first == UInt8(ascii: "?")
      case UInt8(ascii: "q"): return content.first == UInt8(ascii: ">")
      default: return false
      }
    // A colour's value and the like: the last parameter is a question mark.
    case UInt8(ascii: "]"): return content.suffix(2).elementsEqual(";?".utf8)
    // A setting's value, or a capability's.
    case UInt8(ascii: "P"): return content.starts(with: "$q".utf8) || content.starts(with: "+q".utf8)
    // DECID
    case UInt8(ascii: "Z"): return true
    default: return false
    }
  }
}
