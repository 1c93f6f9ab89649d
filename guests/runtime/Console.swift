/// Prints a line on the serial console.
func say(_ line: Line) { SerialPort.write(UInt8(ascii: "\n")) }

/// A line of text that is written to the serial console **while it is formed**: each piece of the literal
/// goes out when it is appended. So printing needs no memory and works in any state the guest may be in,
/// and a `Line` that may not be wanted has to be an autoclosure (see `expect`).
struct Line: ExpressibleByStringInterpolation {
  init(stringLiteral: StaticString) { SerialPort.write(stringLiteral) }
  init(stringInterpolation: Pieces) {}

  struct Pieces: StringInterpolationProtocol {
    init(literalCapacity: Int, interpolationCount: Int) {}

    func appendLiteral(_ literal: StaticString) { SerialPort.write(literal) }
    func appendInterpolation(_ text: StaticString) { SerialPort.write(text) }

    func appendInterpolation(_ text: PhysicalText) {
      for byte in text.bytes { SerialPort.write(byte) }
    }

    /// In quotation marks, with a dot for each byte that is not printable ASCII: text that may be anything.
    func appendInterpolation(quoted text: PhysicalText) {
      SerialPort.write("\"")
      for byte in text.bytes { SerialPort.write(byte >= 0x20 && byte < 0x7f ? byte : UInt8(ascii: ".")) }
      SerialPort.write("\"")
    }

    func appendInterpolation<Number: FixedWidthInteger>(_ number: Number) {
      if number < 0 { SerialPort.write(UInt8(ascii: "-")) }
      writeDigits(UInt64(number.magnitude), base: 10, atLeast: 1)
    }

    /// Hexadecimal with `0x`, padded with zeros to `width` digits.
    func appendInterpolation(hex number: UInt64, width: Int = 1) {
      SerialPort.write("0x")
      writeDigits(number, base: 16, atLeast: width)
    }

    private func writeDigits(_ number: UInt64, base: UInt64, atLeast width: Int) {
      var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
      var rest = number
      var count = 0
      while rest != 0 {
        let digit = UInt8(truncatingIfNeeded: rest % base)
        digits[count] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        rest /= base
        count += 1
      }
      for index in (0..<max(count, width)).reversed() { SerialPort.write(digits[index]) }
    }
  }
}
