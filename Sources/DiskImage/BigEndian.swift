/// qcow2 is big-endian throughout: headers are taken apart and built here, so no host layout ever leaks into
/// them.
extension [UInt8] {
  /// The integer at `offset`, which with all its bytes must lie inside the array.
  func big<Value: FixedWidthInteger>(at offset: Int, as type: Value.Type = Value.self) -> Value {
    var value: Value = 0
    for index in 0..<MemoryLayout<Value>.size { value = value << 8 | Value(truncatingIfNeeded: self[offset + index]) }
    return value
  }

  /// The 64-bit table entry at `offset`: the same in one load, for tables of many thousands.
  func entry(at offset: Int) -> UInt64 {
    // SAFETY: the load is checked against the array's bounds, and any bytes are a valid integer.
    unsafe UInt64(bigEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Replaces the bytes at `offset` by those of `value`.
  mutating func put<Value: FixedWidthInteger>(big value: Value, at offset: Int) {
    let size = MemoryLayout<Value>.size
    for index in 0..<size {
      self[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * (size - 1 - index)))
    }
  }
}
