/// Takes little-endian fields off the front of a message's body.
struct FieldReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }
  init(_ bytes: [UInt8]) { rest = bytes[...] }

  var isAtEnd: Bool { rest.isEmpty }

  /// The next field, nil when the body is too short for it.
  mutating func next<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type) -> Value? {
    let count = MemoryLayout<Value>.size
    guard rest.count >= count else { return nil }
    let value = rest.prefix(count).reversed().reduce(0 as Value) { $0 << 8 | Value($1) }
    rest = rest.dropFirst(count)
    return value
  }
}

extension [UInt8] {
  /// Adds a field, the lowest byte first.
  mutating func append<Value: FixedWidthInteger & UnsignedInteger>(little value: Value) {
    for shift in stride(from: 0, to: Value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
  }
}
