import GuestMemory
import Synchronization

/// The device's side of a split virtqueue (virtio 1.2, 2.7): takes chains off the available ring, puts them on the used
/// ring, and keeps both sides from waking each other more than needed.
///
/// The driver may be hostile and writes to the rings while they are read here. So every word is read once, what was
/// read is checked, and only that copy is used. Not safe for several threads: whoever calls holds the device's lock.
///
/// **Memory order.** Driver and device are threads that share memory, whatever runs the guest's CPU. Four places
/// matter:
///
/// 1. The driver stores descriptors and heads before `avail.idx` (2.7.13.3): `avail.idx` is loaded with acquire, so
///    what is read afterwards is at least as new.
/// 2. The device must write `len`, and its data, before `used.idx` (2.7.8.2): `used.idx` is stored with release.
/// 3. Going to sleep: the device asks to be woken (2.7.10), then looks at `avail.idx` once more; the driver stores
///    `avail.idx`, then looks whether to wake (2.7.13.4). Each stores one word and then loads the other's: only a full
///    fence between the two keeps both from reading the old value and the device from sleeping for ever.
/// 4. The same the other way round for `used.idx` and the driver's `used_event` or flags (2.7.7, 2.7.14).
package final class Virtqueue {
  /// The most descriptors that a driver may use.
  package let maximumSize: UInt16
  private let memory: GuestMemory

  /// Nil while the queue is not in use.
  private var layout: QueueLayout?
  private var features = Features()
  /// Counts starts.
  private var generation: UInt32 = 0

  /// The index of the next head to take.
  private var nextAvailable: UInt16 = 0
  /// `avail.idx` when it was last read: heads before it may be taken without another look.
  private var knownAvailable: UInt16 = 0
  /// Whether the driver was last told to notify.
  private var isListening = false

  /// The index of the next element to put.
  private var nextUsed: UInt16 = 0
  /// `used.idx` as the driver sees it.
  private var publishedUsed: UInt16 = 0

  package init(maximumSize: UInt16, in memory: GuestMemory) {
    self.maximumSize = maximumSize
    self.memory = memory
  }

  package var isInUse: Bool { layout != nil }
  /// The number of descriptors that the driver has chosen, 0 while the queue is not in use.
  package var size: UInt16 { layout?.size ?? 0 }

  /// Starts to use a queue, from index 0 on both rings.
  package func start(_ layout: QueueLayout, features: Features) throws(VirtioFault) {
    self.layout = layout
    self.features = features
    generation &+= 1
    nextAvailable = 0
    knownAvailable = 0
    nextUsed = 0
    publishedUsed = 0
    try listen(layout)
  }

  /// Stops: the queue's memory is not touched again, whatever chains are still under way.
  package func stop() { layout = nil }

  // MARK: From the driver

  /// Takes the next chain that the driver offers.
  ///
  /// - Returns: false when there is none. The driver will then notify when it offers one; until this happens it is
  ///   asked not to, as the device looks by itself.
  package func next(into chain: inout DescriptorChain) throws(VirtioFault) -> Bool {
    guard let layout else { return false }
    if nextAvailable == knownAvailable {
      try lookForMore(layout)
      if nextAvailable == knownAvailable {
        if isListening { return false }
        try listen(layout)
        try lookForMore(layout)
        if nextAvailable == knownAvailable { return false }
      }
    }
    if isListening { try stopListening(layout) }
    let head = try access { () throws(GuestMemoryError) in
      try memory.load(layout.availableHead(nextAvailable), as: UInt16.self)
    }
    try walk(from: head, layout, into: &chain)
    nextAvailable &+= 1
    return true
  }

  /// Calls `body` with each chain that is there, but with no more than the queue holds, so that a driver that never
  /// stops does not keep the thread for itself.
  ///
  /// - Returns: whether there may be more.
  package func forEachAvailable(
    _ chain: inout DescriptorChain, _ body: (DescriptorChain) throws(VirtioFault) -> Void
  ) throws(VirtioFault) -> Bool {
    for _ in 0..<size {
      guard try next(into: &chain) else { return false }
      try body(chain)
    }
    return isInUse
  }

  /// Puts the chains that were taken last back, as if they had never been taken. None of them may have been used.
  package func putBack(_ count: UInt16) { nextAvailable &-= count }

  private func lookForMore(_ layout: QueueLayout) throws(VirtioFault) {
    let index = try access { () throws(GuestMemoryError) in
      try memory.loadAcquiring(layout.availableIndex)
    }
    // What is offered and what is under way are different descriptors, of which there are `size`.
    guard index &- nextUsed <= layout.size, index &- nextAvailable <= layout.size else {
      throw .availableIndexRanAhead(index)
    }
    knownAvailable = index
  }

  private func listen(_ layout: QueueLayout) throws(VirtioFault) {
    isListening = true
    try access { () throws(GuestMemoryError) in
      if features.contains(.eventIndex) {
        try memory.storeReleasing(nextAvailable, at: layout.availableEvent)
      } else {
        try memory.storeReleasing(0, at: layout.usedFlags)
      }
    }
    // 3. in "Memory order".
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  /// With an event index there is nothing to write: the driver notifies once, when it passes the index that it was
  /// given (2.7.10.1). Without, it goes on notifying until it is told not to.
  private func stopListening(_ layout: QueueLayout) throws(VirtioFault) {
    isListening = false
    if features.contains(.eventIndex) { return }
    try access { () throws(GuestMemoryError) in try memory.storeReleasing(1, at: layout.usedFlags) }
  }

  /// Follows a chain from its head, through an indirect table if there is one at its end.
  private func walk(
    from head: UInt16, _ layout: QueueLayout, into chain: inout DescriptorChain
  ) throws(VirtioFault) {
    chain.begin(head: head, generation: generation)
    var table = layout.descriptors
    var tableSize = UInt32(layout.size)
    var index = UInt32(head)
    var isIndirect = false
    while true {
      guard index < tableSize else { throw .descriptorIndex(index) }
      let descriptor = try access { () throws(GuestMemoryError) in
        try QueueDescriptor(index, ofTableAt: table, in: memory)
      }
      if descriptor.flags.contains(.indirect) {
        guard features.contains(.indirectDescriptors), !isIndirect, !descriptor.flags.contains(.next),
          descriptor.length > 0, UInt64(descriptor.length).isMultiple(of: QueueDescriptor.byteCount),
          let range = GuestRange(start: descriptor.address, count: UInt64(descriptor.length)), memory.contains(range)
        else { throw .indirectTable }
        isIndirect = true
        table = descriptor.address
        tableSize = descriptor.length / UInt32(QueueDescriptor.byteCount)
        index = 0
        continue
      }
      // Each turn but the one above adds a range: so this ends every loop.
      guard chain.ranges.count < Int(layout.size) else { throw .chainTooLong }
      try chain.append(descriptor)
      guard descriptor.flags.contains(.next) else { return }
      index = UInt32(descriptor.next)
    }
  }

  // MARK: To the driver

  /// Gives a chain back. The driver sees it after ``publish()``.
  ///
  /// - Parameter written: how many bytes from the start of the writable part hold what the device has to say. Never
  ///   more than were written: the driver takes the rest for old memory (2.7.8.2).
  package func use(_ chain: borrowing DescriptorChain, written: UInt64) throws(VirtioFault) {
    guard let layout, chain.generation == generation else { return }
    // One store of both fields: le32 id, le32 len.
    let element = UInt64(chain.head) | UInt64(UInt32(clamping: written)) << 32
    try access { () throws(GuestMemoryError) in try memory.store(element, at: layout.usedElement(nextUsed)) }
    nextUsed &+= 1
  }

  /// Shows the driver all chains that were given back since the last time.
  ///
  /// - Returns: whether the driver wants an interrupt for them.
  package func publish() throws(VirtioFault) -> Bool {
    guard let layout, nextUsed != publishedUsed else { return false }
    let old = publishedUsed
    publishedUsed = nextUsed
    return try access { () throws(GuestMemoryError) in
      // 2. in "Memory order".
      try memory.storeReleasing(nextUsed, at: layout.usedIndex)
      // 4. in "Memory order".
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      guard features.contains(.eventIndex) else {
        return try memory.loadAcquiring(layout.availableFlags) & 1 == 0
      }
      // 2.7.7.2: an element was put at the place that the driver waits for, modulo 2^16.
      let event = try memory.loadAcquiring(layout.usedEvent)
      return nextUsed &- event &- 1 < nextUsed &- old
    }
  }

  @inline(__always)
  private func access<Result>(_ body: () throws(GuestMemoryError) -> Result) throws(VirtioFault) -> Result {
    try VirtioFault.accessing(body)
  }
}
