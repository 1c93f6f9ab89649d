/// What comes from a terminal, byte by byte: keys that are characters, and the terminal's own answers between them.
/// Sequences of other keys, such as arrows, are passed over (ECMA-48, 5.4).
struct TerminalInput {
  enum Event: Equatable {
    case key(Character)
    /// The terminal is well (DSR, answer 0).
    case status
  }

  private enum State {
    case plain, escape
    /// In a control sequence; with what has come of its parameters.
    case control([UInt8])
    /// Before the last character of a key that is sent with SS3.
    case shift
  }

  private var state = State.plain
  /// Of parameters that are kept: no answer that counts has more.
  private static let most = 16

  /// - Returns: what is complete with this byte.
  mutating func take(_ byte: UInt8) -> Event? {
    switch state {
    case .plain:
      guard byte == 0x1b else { return .key(Character(UnicodeScalar(byte))) }
      state = .escape
    case .escape:
      switch byte {
      case UInt8(ascii: "["): state = .control([])
      case UInt8(ascii: "O"): state = .shift
      case 0x1b: break
      default:
        state = .plain
        return .key(Character(UnicodeScalar(byte)))
      }
    case .shift: state = .plain
    case .control(let parameters):
      switch byte {
      case 0x20...0x3f: state = .control(Array((parameters + [byte]).prefix(Self.most)))
      default:
        state = .plain
        if byte == UInt8(ascii: "n"), parameters == [UInt8(ascii: "0")] { return .status }
      }
    }
    return nil
  }
}
