/// A term of the ACPI Machine Language, encoded (ACPI 6.5, chapter 20).
///
/// Terms are put together as ASL would have them:
///
///     AML.scope("_SB") {
///       AML.device("COM1") {
///         AML.name("_HID", .eisaID("PNP0501"))
///         AML.name("_CRS", .resources([.io(0x3f8, count: 8), .irq(4)]))
///       }
///     }
package struct AML: Equatable, Sendable {
  package let bytes: [UInt8]

  fileprivate init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Collects the terms of a body.
  @resultBuilder
  package enum Body {
    package static func buildExpression(_ term: AML) -> [UInt8] { term.bytes }
    package static func buildBlock(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }
    package static func buildArray(_ parts: [[UInt8]]) -> [UInt8] { parts.flatMap { $0 } }
  }
}

// MARK: Objects in the namespace (20.2.5.1 and 20.2.5.2)

extension AML {
  /// A list of terms, as a table has it.
  package static func terms(@Body _ body: () -> [UInt8]) -> AML { AML(body()) }

  /// Opens an object that exists, for more objects inside it.
  package static func scope(_ path: String, @Body _ body: () -> [UInt8]) -> AML {
    AML([0x10] + withLength(nameString(path) + body()))
  }

  package static func device(_ path: String, @Body _ body: () -> [UInt8]) -> AML {
    AML([0x5b, 0x82] + withLength(nameString(path) + body()))
  }

  package static func name(_ path: String, _ value: AML) -> AML {
    AML([0x08] + nameString(path) + value.bytes)
  }
}

// MARK: Values (20.2.3)

extension AML {
  /// In the shortest encoding.
  package static func integer(_ value: UInt64) -> AML {
    var bytes: [UInt8] = []
    switch value {
    case 0, 1: bytes = [UInt8(value)]
    case ...0xff: bytes = [0x0a, UInt8(value)]
    case ...0xffff:
      bytes = [0x0b]
      bytes.append(little: UInt16(value))
    case ...0xffff_ffff:
      bytes = [0x0c]
      bytes.append(little: UInt32(value))
    default:
      bytes = [0x0e]
      bytes.append(little: value)
    }
    return AML(bytes)
  }

  /// - Parameter text: ASCII without a zero.
  package static func string(_ text: StaticString) -> AML {
    AML([0x0d] + text.description.utf8 + [0])
  }

  /// A device's identity, packed as EISA packed it (19.3.4, "EisaId"): three letters in 5 bits each, four
  /// hexadecimal digits.
  ///
  /// - Parameter text: as "PNP0501".
  package static func eisaID(_ text: StaticString) -> AML {
    let characters = Array(text.description.utf8)
    precondition(characters.count == 7, "an EISA identity has seven characters")
    let letters = characters[..<3].reduce(UInt16(0)) { $0 << 5 | UInt16($1 - 0x40) }
    let digits = UInt16(String(decoding: characters[3...], as: UTF8.self), radix: 16)!
    // Both halves are stored with the high byte first, in an integer that is stored with the low byte first.
    return AML([0x0c, UInt8(letters >> 8), UInt8(letters & 0xff), UInt8(digits >> 8), UInt8(digits & 0xff)])
  }

  /// - Parameter elements: at most 255.
  package static func package(_ elements: [AML]) -> AML {
    AML([0x12] + withLength([UInt8(elements.count)] + elements.flatMap(\.bytes)))
  }

  package static func buffer(_ bytes: [UInt8]) -> AML {
    AML([0x11] + withLength(integer(UInt64(bytes.count)).bytes + bytes))
  }

  /// What a device uses, for its `_CRS`.
  package static func resources(_ list: [Resource]) -> AML {
    // The end tag's sum of zero means that there is none to check (6.4.2.9), as Intel's compiler has it too.
    buffer(list.flatMap(\.bytes) + [0x79, 0])
  }
}

// MARK: Encoding

extension AML {
  /// Puts the length before the contents, itself included (20.2.4): 6 bits in one byte, or 4 bits and one to three
  /// bytes more, whose number is in the topmost two bits.
  private static func withLength(_ contents: [UInt8]) -> [UInt8] {
    if contents.count + 1 < 1 << 6 { return [UInt8(contents.count + 1)] + contents }
    let more = (1...3).first { contents.count + 1 + $0 < 1 << (4 + 8 * $0) }!
    let length = contents.count + 1 + more
    let lead = UInt8(more << 6 | length & 0xf)
    return [lead] + (0..<more).map { UInt8(truncatingIfNeeded: length >> (4 + 8 * $0)) } + contents
  }

  /// A path such as "\\_SB.COM1": segments of four characters, filled up with underscores (20.2.2).
  private static func nameString(_ path: String) -> [UInt8] {
    let isRooted = path.hasPrefix("\\")
    let segments = path.dropFirst(isRooted ? 1 : 0).split(separator: ".").map { segment in
      precondition(segment.utf8.count <= 4, "a name in the ACPI namespace has four characters")
      return Array(segment.utf8) + [UInt8](repeating: UInt8(ascii: "_"), count: 4 - segment.utf8.count)
    }
    let prefix: [UInt8] =
      switch segments.count {
      case 0: [0]
      case 1: []
      case 2: [0x2e]
      default: [0x2f, UInt8(segments.count)]
      }
    return (isRooted ? [UInt8(ascii: "\\")] : []) + prefix + segments.flatMap { $0 }
  }
}
