extension [UInt8] {
  /// Adds the bytes of an integer, the lowest first: all of virtio's fields are so (virtio 1.2, 1.4).
  mutating func append<Value: FixedWidthInteger>(little value: Value) {
    for shift in stride(from: 0, to: Value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
  }
}
