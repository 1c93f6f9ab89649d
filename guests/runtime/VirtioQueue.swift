import Hardware

/// The driver's side of a split virtqueue (virtio 1.2, 2.7). Whoever uses it knows which descriptors are free.
///
/// The device reads and writes the same memory at any time: so all accesses are the instructions of `hardware.h`, which
/// no compiler moves, and which x86 keeps in order as far as rings need it while the device is not asked to be silent.
struct VirtioQueue {
  static let size = 32

  let descriptors: UInt
  let available: UInt
  let used: UInt
  private var availableIndex: UInt16 = 0
  private var usedIndex: UInt16 = 0

  /// All three parts lie in one page.
  init() {
    descriptors = allocate(4096, alignment: 4096)
    available = descriptors + UInt(16 * Self.size)
    used = descriptors + 1024
  }

  /// Writes descriptor `index` (2.7.5).
  ///
  /// - Parameters:
  ///   - isWritable: by the device.
  ///   - next: the descriptor that follows in the chain.
  func describe(_ index: Int, _ address: UInt, count: Int, isWritable: Bool, next: Int? = nil) {
    describe(
      index, address: UInt64(address), count: UInt32(count), flags: (next == nil ? 0 : 1) | (isWritable ? 2 : 0),
      next: UInt32(next ?? 0))
  }

  /// Writes anything into a descriptor.
  func describe(_ index: Int, address: UInt64, count: UInt32, flags: UInt32, next: UInt32 = 0) {
    let place = descriptors + UInt(16 * index)
    mmio_write32(place, UInt32(truncatingIfNeeded: address))
    mmio_write32(place + 4, UInt32(address >> 32))
    mmio_write32(place + 8, count)
    mmio_write32(place + 12, flags | next << 16)
  }

  /// Offers the chain that begins with descriptor `head` (2.7.13). The device has to be notified then.
  mutating func offer(_ head: Int) {
    let place = available + 4 + UInt(availableIndex) % UInt(Self.size) * 2
    // Two heads in a word: the other one is the device's to read no more, or not yet.
    let word = place & ~3
    let shift = UInt32(place & 2) * 8
    mmio_write32(word, mmio_read32(word) & ~(0xffff << shift) | UInt32(head) << shift)
    announce(availableIndex &+ 1)
  }

  /// Tells the device how far the ring goes, whatever is in there.
  mutating func announce(_ index: UInt16) {
    availableIndex = index
    mmio_write32(available, UInt32(index) << 16)  // flags 0, idx
  }

  /// Empties both rings, for a device that was reset.
  mutating func empty() {
    announce(0)
    usedIndex = 0
    mmio_write32(used, 0)
  }

  /// Fills the whole ring with the same `count` heads, over and over; `offerNext` then offers them.
  func fillRing(count: Int, _ head: (Int) -> Int) {
    for entry in stride(from: 0, to: Self.size, by: 2) {
      let heads = UInt32(head(entry % count)) | UInt32(head((entry + 1) % count)) << 16
      mmio_write32(available + 4 + UInt(2 * entry), heads)
    }
  }

  /// Offers the next `count` heads that are in the ring. The device has to be notified then.
  mutating func offerNext(_ count: Int) {
    announce(availableIndex &+ UInt16(count))
  }

  /// Whether the device has used all that was offered. They are then taken.
  mutating func takeAll() -> Bool {
    guard mmio_read32(used) >> 16 == UInt32(availableIndex) else { return false }
    usedIndex = availableIndex
    return true
  }

  /// The next chain that the device has used (2.7.14), nil when there is none yet.
  mutating func takeUsed() -> (head: Int, written: Int)? {
    guard mmio_read32(used) >> 16 != UInt32(usedIndex) else { return nil }
    let place = used + 4 + UInt(usedIndex) % UInt(Self.size) * 8
    usedIndex &+= 1
    return (Int(mmio_read32(place)), Int(mmio_read32(place + 4)))
  }
}

/// Memory from the guest's heap, all zeros, for a device to work on.
func allocate(_ count: Int, alignment: Int) -> UInt {
  // Only the number is kept: the heap is never taken back.
  UInt(bitPattern: UnsafeMutableRawPointer.allocate(byteCount: count, alignment: alignment))
}
