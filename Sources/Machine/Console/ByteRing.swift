import Host

/// A queue of bytes of fixed capacity. Its owner guards it.
struct ByteRing: ~Copyable {
  private let storage: Mapping
  private var head = 0
  private(set) var count = 0

  /// - Parameter capacity: in bytes, a multiple of the page size; only pages that are used take memory.
  init(capacity: Int) throws(SystemCallError) { storage = try .anonymous(capacity) }

  var capacity: Int { storage.count }
  var isFull: Bool { count == capacity }

  /// Adds a byte at the end.
  ///
  /// - Returns: false, and nothing is added, when the ring is full.
  mutating func append(_ byte: UInt8) -> Bool {
    guard count < capacity else { return false }
    // SAFETY: the remainder is below the storage's size.
    unsafe storage.base.storeBytes(of: byte, toByteOffset: (head + count) % capacity, as: UInt8.self)
    count += 1
    return true
  }

  /// The longest run of bytes at the front that lies in one piece.
  ///
  /// It stays as it is until ``removeFirst(_:)``, whatever is appended meanwhile: so it can be written out without
  /// the owner's lock, by the one who removes.
  var front: UnsafeRawBufferPointer {
    // SAFETY: head and the length are inside the storage.
    unsafe UnsafeRawBufferPointer(start: storage.base + head, count: min(count, capacity - head))
  }

  /// Takes bytes off the front, at most as many as there are.
  mutating func removeFirst(_ removed: Int) {
    head = (head + removed) % capacity
    count -= removed
  }
}
