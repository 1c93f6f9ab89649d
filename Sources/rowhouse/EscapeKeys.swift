/// Finds in what a person types the keys that are meant for `rowhouse` and not for the guest: Ctrl-A and one more.
///
/// It is a plain state machine over bytes, so it does not matter how the terminal cuts them into reads.
struct EscapeKeys {
  enum Command: Equatable {
    /// Ctrl-A x
    case end
    /// Ctrl-A h, Ctrl-A ?
    case help
  }

  static let escape: UInt8 = 0x01
  static let help = "Ctrl-A x ends the guest, Ctrl-A Ctrl-A (or Ctrl-A a) sends it a Ctrl-A, Ctrl-A h shows this"

  private var isEscaped = false

  /// Takes the next key.
  ///
  /// - Parameter output: gets the bytes that are for the guest.
  mutating func feed(_ key: UInt8, into output: inout [UInt8]) -> Command? {
    guard isEscaped else {
      isEscaped = key == Self.escape
      if !isEscaped { output.append(key) }
      return nil
    }
    isEscaped = false
    switch key {
    case Self.escape, UInt8(ascii: "a"): output.append(Self.escape)
    case UInt8(ascii: "x"): return .end
    case UInt8(ascii: "h"), UInt8(ascii: "?"): return .help
    default: output += [Self.escape, key]
    }
    return nil
  }
}
