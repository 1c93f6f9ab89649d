/// Structures that guests read are little-endian bytes, packed by their specifications and not by a compiler: they are
/// built and taken apart here, byte by byte, so no host layout ever leaks into them.
extension [UInt8] {
  /// The integer at `offset`, which with all its bytes must lie inside the array.
  package func integer<Value: FixedWidthInteger>(at offset: Int, as type: Value.Type = Value.self) -> Value {
    var value: Value = 0
    for index in (0..<MemoryLayout<Value>.size).reversed() {
      value = value << 8 | Value(truncatingIfNeeded: self[offset + index])
    }
    return value
  }

  /// Replaces the bytes at `offset` by those of `value`.
  package mutating func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    for index in 0..<MemoryLayout<Value>.size {
      self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }

  /// Replaces the bytes at `offset` by `bytes`.
  mutating func put(bytes: some Collection<UInt8>, at offset: Int) {
    replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }

  /// Appends the bytes of `value`.
  package mutating func append<Value: FixedWidthInteger>(little value: Value) {
    for index in 0..<MemoryLayout<Value>.size { append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }

  /// The sum of all bytes modulo 256; ACPI and MP structures are valid when it is zero.
  package var checksum: UInt8 { reduce(0, &+) }

  /// Sets the byte at `offset` so that the whole structure's ``checksum`` is zero.
  mutating func seal(at offset: Int) {
    self[offset] = 0
    self[offset] = 0 &- checksum
  }
}
