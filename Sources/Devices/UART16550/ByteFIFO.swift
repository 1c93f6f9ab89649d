/// The 16-byte queue that a 16550 has in each direction.
struct ByteFIFO {
  static let capacity = 16

  private var bytes = InlineArray<16, UInt8>(repeating: 0)
  private var head = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// The oldest byte. To be asked only when there is one.
  var first: UInt8 { bytes[head] }

  /// To be called only when fewer than ``capacity`` bytes are queued.
  mutating func append(_ byte: UInt8) {
    bytes[(head + count) % Self.capacity] = byte
    count += 1
  }

  /// To be called only when there is a byte.
  mutating func removeFirst() -> UInt8 {
    let byte = bytes[head]
    head = (head + 1) % Self.capacity
    count -= 1
    return byte
  }

  mutating func removeAll() { count = 0 }
}
