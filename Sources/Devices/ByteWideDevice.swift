/// A device with 8-bit registers, as the ISA bus has them: a wider access reaches consecutive registers, low byte
/// first.
package protocol ByteWideDevice: BusDevice {
  /// - Parameter register: bytes from the start of the device's range; a wide access may reach past its end, where
  ///   nothing answers and all lines float high.
  func read(_ register: UInt64) -> UInt8

  /// - Parameter register: as for ``read(_:)``; what is written past the end is lost.
  func write(_ register: UInt64, _ value: UInt8)
}

extension ByteWideDevice {
  package func read(offset: UInt64, size: Int) -> UInt64 {
    if size == 1 { return UInt64(read(offset)) }
    var value: UInt64 = 0
    for lane in 0..<size { value |= UInt64(read(offset + UInt64(lane))) << UInt64(8 * lane) }
    return value
  }

  package func write(offset: UInt64, size: Int, value: UInt64) {
    if size == 1 { return write(offset, UInt8(truncatingIfNeeded: value)) }
    for lane in 0..<size { write(offset + UInt64(lane), UInt8(truncatingIfNeeded: value >> UInt64(8 * lane))) }
  }
}
