import GuestMemory

/// One entry of a descriptor table (virtio 1.2, 2.7.5): a private copy, which the driver can no longer change.
struct QueueDescriptor: Equatable {
  static let byteCount: UInt64 = 16

  let address: GuestAddress
  let length: UInt32
  let flags: Flags
  /// Means something only with ``Flags/next``.
  let next: UInt16

  struct Flags: OptionSet {
    let rawValue: UInt16
    static let next = Flags(rawValue: 1)
    static let write = Flags(rawValue: 2)
    static let indirect = Flags(rawValue: 4)
  }

  /// Copies entry `index` of a table that is known to have it.
  init(_ index: UInt32, ofTableAt table: GuestAddress, in memory: GuestMemory) throws(GuestMemoryError) {
    let start = GuestAddress(table.rawValue + UInt64(index) * Self.byteCount)
    address = GuestAddress(try memory.load(start, as: UInt64.self))
    let rest = try memory.load(GuestAddress(start.rawValue + 8), as: UInt64.self)
    length = UInt32(truncatingIfNeeded: rest)
    flags = Flags(rawValue: UInt16(truncatingIfNeeded: rest >> 32))
    next = UInt16(truncatingIfNeeded: rest >> 48)
  }
}
