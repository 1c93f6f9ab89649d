import Synchronization

// Words that vCPUs and devices hand each other without a lock: the indices and flags of rings.

extension GuestMemory {
  /// Reads a little-endian word in one piece. What the guest wrote before it stored the word is seen by reads that
  /// follow.
  ///
  /// - Throws: ``GuestMemoryError/misaligned(_:)`` when the address is odd.
  package func loadAcquiring(_ address: GuestAddress) throws(GuestMemoryError) -> UInt16 {
    // SAFETY: see `atomicWord`; the atomic is only borrowed for the call.
    let word = unsafe try atomicWord(address)
    return UInt16(littleEndian: unsafe word.pointee.load(ordering: .acquiring))
  }

  /// Writes a little-endian word in one piece. A guest that reads it sees all that was written before.
  ///
  /// - Throws: ``GuestMemoryError/misaligned(_:)`` when the address is odd.
  package func storeReleasing(_ value: UInt16, at address: GuestAddress) throws(GuestMemoryError) {
    // SAFETY: see `atomicWord`; the atomic is only borrowed for the call.
    let word = unsafe try atomicWord(address)
    unsafe word.pointee.store(value.littleEndian, ordering: .releasing)
  }

  @inline(__always)
  private func atomicWord(_ address: GuestAddress) throws(GuestMemoryError) -> UnsafeMutablePointer<Atomic<UInt16>> {
    guard address.rawValue.isMultiple(of: 2) else { throw .misaligned(address) }
    let pointer = unsafe try host(address, count: 2)
    // SAFETY: the gate vouches for the bytes. They are aligned, as regions start at pages in guest and host alike,
    // every bit pattern is a valid integer, and an atomic of an integer is laid out as the integer.
    return unsafe pointer.assumingMemoryBound(to: Atomic<UInt16>.self)
  }
}
