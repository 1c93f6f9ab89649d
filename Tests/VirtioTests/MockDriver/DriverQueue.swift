import GuestMemory
import Synchronization
import Virtio

/// The driver's side of a split virtqueue, as virtio 1.2, 2.7.13 and 2.7.14 tell drivers to do it; and ways to do it
/// wrong.
final class DriverQueue {
  let memory: GuestMemory
  let size: UInt16
  let descriptors: GuestAddress
  let available: GuestAddress
  let used: GuestAddress
  var features = Features()

  /// What the driver will write next, and has written, to `avail.idx`.
  private(set) var availableIndex: UInt16 = 0
  private var announcedIndex: UInt16 = 0
  private var seenUsed: UInt16 = 0
  private var free: [UInt16]
  private var chains: [UInt16: [UInt16]] = [:]

  struct Buffer {
    let address: UInt64
    let length: UInt32
    let isWritable: Bool

    static func readable(_ address: UInt64, _ length: Int) -> Buffer {
      Buffer(address: address, length: UInt32(length), isWritable: false)
    }
    static func writable(_ address: UInt64, _ length: Int) -> Buffer {
      Buffer(address: address, length: UInt32(length), isWritable: true)
    }
  }

  /// Puts all parts one after the other, from a page's start on.
  init(size: UInt16, at start: UInt64, in memory: GuestMemory) {
    self.memory = memory
    self.size = size
    descriptors = GuestAddress(start)
    available = GuestAddress(start + 16 * UInt64(size))
    used = GuestAddress((available.rawValue + 6 + 2 * UInt64(size) + 3) / 4 * 4)
    free = Array((0..<size).reversed())
    try! memory.zero(descriptors, count: Int(used.rawValue - start) + 6 + 8 * Int(size))
  }

  var byteCount: UInt64 { used.rawValue + 6 + 8 * UInt64(size) - descriptors.rawValue }

  // MARK: As a good driver

  /// Describes a request, in an indirect table if there is a place for it, and puts it on the ring; unseen until
  /// ``announce()``.
  ///
  /// - Returns: the head.
  @discardableResult
  func offer(_ buffers: [Buffer], table: UInt64? = nil) -> UInt16 {
    if let table {
      for (index, buffer) in buffers.enumerated() {
        write(buffer, index, next: index + 1 < buffers.count ? UInt16(index + 1) : nil, inTableAt: GuestAddress(table))
      }
      let head = free.removeLast()
      setDescriptor(head, address: table, length: UInt32(16 * buffers.count), flags: 4)
      return put([head])
    }
    let indices = buffers.map { _ in free.removeLast() }
    for (place, buffer) in buffers.enumerated() {
      let next = place + 1 < indices.count ? indices[place + 1] : nil
      write(buffer, Int(indices[place]), next: next, inTableAt: descriptors)
    }
    return put(indices)
  }

  private func write(_ buffer: Buffer, _ index: Int, next: UInt16?, inTableAt table: GuestAddress) {
    setDescriptor(
      UInt16(index), address: buffer.address, length: buffer.length,
      flags: (buffer.isWritable ? 2 : 0) | (next == nil ? 0 : 1), next: next ?? 0, table: table)
  }

  private func put(_ indices: [UInt16]) -> UInt16 {
    chains[indices[0]] = indices
    putHead(indices[0])
    return indices[0]
  }

  var freeCount: Int { free.count }

  /// Shows the device what was offered.
  ///
  /// - Returns: whether the device wants to be notified.
  func announce() -> Bool {
    let old = announcedIndex
    try! memory.storeReleasing(availableIndex, at: GuestAddress(available.rawValue + 2))
    announcedIndex = availableIndex
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    guard features.contains(.eventIndex) else { return try! memory.loadAcquiring(used) & 1 == 0 }
    let event = availableEvent
    // The rule of 2.7.10.1, entry by entry.
    var index = old
    while index != availableIndex {
      if index == event { return true }
      index &+= 1
    }
    return false
  }

  /// Takes the next answer.
  func takeUsed() -> (head: UInt16, written: UInt32)? {
    guard usedIndex != seenUsed else { return nil }
    let element = GuestAddress(used.rawValue + 4 + 8 * UInt64(seenUsed % size))
    let head = UInt16(try! memory.load(element, as: UInt32.self))
    let written = try! memory.load(GuestAddress(element.rawValue + 4), as: UInt32.self)
    seenUsed &+= 1
    free += chains.removeValue(forKey: head) ?? []
    return (head, written)
  }

  /// Where the next answer will be.
  var nextUsed: UInt16 { seenUsed }

  /// Wants to be told of the next answer (2.7.7.1); whether there is one by now is to be looked at afterwards.
  func askForInterrupt() {
    if features.contains(.eventIndex) { usedEvent = seenUsed } else { wantsNoInterrupt = false }
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  var usedIndex: UInt16 { try! memory.loadAcquiring(GuestAddress(used.rawValue + 2)) }
  var usedFlags: UInt16 { try! memory.loadAcquiring(used) }
  var availableEvent: UInt16 { try! memory.loadAcquiring(GuestAddress(used.rawValue + 4 + 8 * UInt64(size))) }

  /// Asks for an interrupt when the device has put element `index` (2.7.7).
  var usedEvent: UInt16 {
    get { try! memory.load(GuestAddress(available.rawValue + 4 + 2 * UInt64(size))) }
    set { try! memory.storeReleasing(newValue, at: GuestAddress(available.rawValue + 4 + 2 * UInt64(size))) }
  }

  /// VIRTQ_AVAIL_F_NO_INTERRUPT.
  var wantsNoInterrupt = false {
    didSet { try! memory.storeReleasing(wantsNoInterrupt ? 1 : 0, at: available) }
  }

  // MARK: As any driver

  func setDescriptor(
    _ index: UInt16, address: UInt64, length: UInt32, flags: UInt16, next: UInt16 = 0, table: GuestAddress? = nil
  ) {
    let start = (table ?? descriptors).rawValue + 16 * UInt64(index)
    try! memory.store(address, at: GuestAddress(start))
    try! memory.store(length, at: GuestAddress(start + 8))
    try! memory.store(flags, at: GuestAddress(start + 12))
    try! memory.store(next, at: GuestAddress(start + 14))
  }

  /// Puts a head on the ring without a descriptor for it.
  func putHead(_ head: UInt16) {
    try! memory.store(head, at: GuestAddress(available.rawValue + 4 + 2 * UInt64(availableIndex % size)))
    availableIndex &+= 1
  }

  /// Writes any number to `avail.idx`.
  func setAvailableIndex(_ index: UInt16) {
    availableIndex = index
    _ = announce()
  }
}

extension QueueLayout {
  init(_ queue: DriverQueue) throws(VirtioFault) {
    try self.init(
      size: UInt32(queue.size), maximum: queue.size, descriptors: queue.descriptors, available: queue.available,
      used: queue.used, in: queue.memory)
  }
}
