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

  /// Goes through what a terminal is given, up to what may be a sequence that has not ended.
  ///
  /// - Parameter piece: is shown each text between sequences, and each sequence, by its place in the bytes.
  /// - Returns: where the sequence begins that has not ended, or the end.
  static func scan(_ bytes: [UInt8], _ piece: (Range<Int>, ControlSequence?) -> Void) -> Int {
    let bytes = sevenBit(bytes)
    var start = 0
    while let begin = bytes[start...].firstIndex(of: escape) {
      piece(start..<begin, nil)
      guard let sequence = ControlSequence(atStartOf: bytes[begin...]) else { return begin }
      start = begin + sequence.count
      piece(begin..<start, sequence)
    }
    // The first byte of a character that may be a control.
    let end = start < bytes.count && bytes.last == controlLead ? bytes.count - 1 : bytes.count
    piece(start..<end, nil)
    return end
  }

  /// The same with the controls U+0080 to U+009F as ESC and a byte, which says the same in as many bytes as UTF-8 has
  /// for them (ECMA-35, section 13.2.1).
  private static func sevenBit(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(controlLead) else { return bytes }
    var text = bytes
    for index in text.indices.dropLast() where text[index] == controlLead && 0x80...0x9f ~= text[index + 1] {
      (text[index], text[index + 1]) = (escape, text[index + 1] - 0x40)
    }
    return text
  }

  static let controlLead: UInt8 = 0xc2

  /// Its content as text.
  var text: String { String(decoding: content, as: UTF8.self) }
}
