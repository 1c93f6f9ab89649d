/// A control sequence or control string, as a terminal reads it: what begins with ESC.
///
/// ECMA-48, sections 5.3 to 5.6 and 8.3. What it leaves open is as DEC's terminals and xterm do it: CAN and SUB break a
/// sequence off, ESC begins the next one wherever it comes, and a C0 control within a sequence is obeyed as if it stood
/// before.
struct ControlSequence {
  /// What tells its kind: `[` (CSI), `]` (OSC), `P` (DCS), or the byte after ESC of another.
  let introducer: UInt8
  /// Parameters and intermediate bytes, or a string's text: what stands between the introducer and the end.
  let content: [UInt8]
  /// The C0 controls within it.
  let controls: [UInt8]
  /// What ends it: a final byte, BEL or the backslash of ST; nil: it was broken off, and means nothing.
  let final: UInt8?
  /// The bytes that it takes.
  let count: Int

  static let escape: UInt8 = 0x1b
  private static let bell: UInt8 = 0x07
  private static let cancel: UInt8 = 0x18
  private static let substitute: UInt8 = 0x1a

  /// Which bytes may follow.
  private enum State { case afterEscape, intermediate, parameters, command, string }

  /// The sequence that `bytes` begin with, ESC first.
  ///
  /// - Returns: nil when it has not ended.
  init?(atStartOf bytes: ArraySlice<UInt8>) {
    precondition(bytes.first == Self.escape)
    var state = State.afterEscape
    var introducer: UInt8 = 0
    var content: [UInt8] = []
    var controls: [UInt8] = []
    var end: (final: UInt8?, index: Int)?
    scan: for index in bytes.indices.dropFirst() {
      let byte = bytes[index]
      switch (byte, state) {
      case (Self.cancel, _), (Self.substitute, _): end = (nil, index + 1)
      case (Self.escape, .command), (Self.escape, .string):
        guard let next = bytes[(index + 1)...].first else { return nil }
        end = next == UInt8(ascii: "\\") ? (next, index + 2) : (nil, index)
      case (Self.escape, _): end = (nil, index)
      case (Self.bell, .command): end = (byte, index + 1)
      case (_, .command), (_, .string): content.append(byte)
      case (..<0x20, _): controls.append(byte)
      // DEL is no byte of a sequence, and a character that is not ASCII's belongs to none.
      case (0x7f, _): break
      case (0x80..., _): end = (nil, index)
      case (0x20...0x2f, .afterEscape):
        introducer = byte
        state = .intermediate
      case (_, .afterEscape):
        introducer = byte
        switch byte {
        case UInt8(ascii: "["): state = .parameters
        case UInt8(ascii: "]"): state = .command
        // DCS, SOS, PM, APC
        case UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"): state = .string
        default: end = (byte, index + 1)
        }
      case (0x20...0x2f, .intermediate), (0x20...0x3f, .parameters): content.append(byte)
      case (_, .intermediate), (_, .parameters): end = (byte, index + 1)
      }
      if end != nil { break scan }
    }
    guard let end else { return nil }
    self.introducer = introducer
    self.content = content
    self.controls = controls
    final = end.final
    count = end.index - bytes.startIndex
  }

  /// Its content as text.
  var text: String { String(decoding: content, as: UTF8.self) }
}
