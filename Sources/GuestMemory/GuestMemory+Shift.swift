/// What a kernel's move asks for: numbers in it that are addresses change all by the same.
extension GuestMemory {
  /// What is added to little-endian integers of a width, wrapping around.
  package enum Shift: Sendable {
    case words(UInt32)
    case longs(UInt64)
  }

  /// Adds the same to the integers at many places, which need not be aligned. It is not atomic.
  ///
  /// - Parameter offsets: where they are, in bytes from the range's start.
  /// - Throws: ``GuestMemoryError/notRAM(_:count:)`` when the range is not all RAM, or an integer not all in the range;
  ///   those named before it are changed by then.
  package func shift(
    _ shift: Shift, at offsets: Span<UInt32>, in range: GuestRange
  ) throws(GuestMemoryError) {
    switch shift {
    case .words(let addend): try add(addend, at: offsets, in: range)
    case .longs(let addend): try add(addend, at: offsets, in: range)
    }
  }

  @inline(__always)
  private func add<Value: FixedWidthInteger & BitwiseCopyable>(
    _ addend: Value, at offsets: Span<UInt32>, in range: GuestRange
  ) throws(GuestMemoryError) {
    let size = MemoryLayout<Value>.size
    guard let count = Int(exactly: range.count) else { throw .notRAM(range.start, count: .max) }
    // SAFETY: a pointer that passed the gate, for the loop below.
    let base = unsafe try host(range.start, count: count)
    for index in offsets.indices {
      let offset = Int(offsets[index])
      guard offset <= count - size else {
        throw .notRAM(range.start.advanced(by: UInt64(offset)) ?? range.end, count: size)
      }
      // SAFETY: the gate vouches for `count` bytes at the base, and the integer ends within them; any bits are valid.
      let old = Value(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: Value.self))
      unsafe base.storeBytes(of: (old &+ addend).littleEndian, toByteOffset: offset, as: Value.self)
    }
  }
}
