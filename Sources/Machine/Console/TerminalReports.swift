/// What a terminal says by itself on the line that a person types on: the answers to ``TerminalQueries``, and whether
/// its window has the focus.
///
/// Sequences: ECMA-48, section 8.3; DEC's and xterm's own: xterm's ctlseqs. Shift-F3 looks like a cursor's position,
/// and counts as one. A mouse is in a person's hand, so what it does is none of these.
enum TerminalReports {
  /// Whether that is all that some input is.
  static func areAll(of bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while rest.first == ControlSequence.escape {
      guard let sequence = ControlSequence(atStartOf: rest), isReport(sequence) else { return false }
      rest = rest.dropFirst(sequence.count)
    }
    return rest.isEmpty && !bytes.isEmpty
  }

  private static func isReport(_ sequence: ControlSequence) -> Bool {
    guard let final = sequence.final, sequence.controls.isEmpty else { return false }
    let content = sequence.content
    switch sequence.introducer {
    case UInt8(ascii: "["):
      switch final {
      // The cursor's position: row and column.
      case UInt8(ascii: "R"): return content.contains(UInt8(ascii: ";"))
      // Status, device attributes, terminal parameters, the window's size.
      case UInt8(ascii: "n"), UInt8(ascii: "c"), UInt8(ascii: "x"), UInt8(ascii: "t"): return !content.isEmpty
      // A mode's state; the keyboard's.
      case UInt8(ascii: "y"): return content.last == UInt8(ascii: "$")
      case UInt8(ascii: "u"): return content.first == UInt8(ascii: "?")
      // The focus.
      case UInt8(ascii: "I"), UInt8(ascii: "O"): return content.isEmpty
      default: return false
      }
    // No key sends a string.
    case UInt8(ascii: "]"), UInt8(ascii: "P"): return true
    default: return false
    }
  }
}
