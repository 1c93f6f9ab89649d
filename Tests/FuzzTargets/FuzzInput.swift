/// What a fuzzer's bytes decide, one decision after the other; behind their end every answer is zero.
struct FuzzInput {
  private var bytes: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

  var isEmpty: Bool { bytes.isEmpty }

  mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

  /// A number in `0..<limit`, which is at most 256.
  mutating func below(_ limit: Int) -> Int { Int(byte()) % limit }

  mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }

  /// Little-endian.
  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value {
    var value: Value = 0
    for shift in stride(from: 0, to: Value.bitWidth, by: 8) { value |= Value(truncatingIfNeeded: byte()) << shift }
    return value
  }

  /// Up to `limit` bytes, as many as the next one says.
  mutating func some(_ limit: Int) -> [UInt8] { (0..<below(limit + 1)).map { _ in byte() } }
}
