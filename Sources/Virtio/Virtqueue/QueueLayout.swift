import GuestMemory

/// Where the three parts of a split queue are (virtio 1.2, 2.7), as a driver has announced it and the device has
/// checked it.
package struct QueueLayout: Equatable, Sendable {
  /// The number of descriptors, a power of two up to 32,768.
  package let size: UInt16
  /// The descriptor table, 16 bytes a descriptor.
  package let descriptors: GuestAddress
  /// The available ring: flags, idx, `size` heads, used_event; 2 bytes each.
  package let available: GuestAddress
  /// The used ring: flags and idx of 2 bytes, `size` elements of 8, avail_event of 2.
  package let used: GuestAddress

  /// Checks sizes, alignment, and that all three parts are RAM, so that whoever has a layout can use it unchecked.
  ///
  /// - Parameter maximum: the size that the device offers.
  package init(
    size: UInt32, maximum: UInt16, descriptors: GuestAddress, available: GuestAddress, used: GuestAddress,
    in memory: GuestMemory
  ) throws(VirtioFault) {
    guard size > 0, size <= UInt32(maximum), size.nonzeroBitCount == 1 else { throw .queueSize(size) }
    let count = UInt64(size)
    let parts: [(GuestAddress, UInt64, UInt64)] = [
      (descriptors, 16 * count, 16), (available, 6 + 2 * count, 2), (used, 6 + 8 * count, 4),
    ]
    for (start, bytes, alignment) in parts {
      guard start.rawValue.isMultiple(of: alignment), let range = GuestRange(start: start, count: bytes),
        memory.contains(range)
      else { throw .queueAddress(start) }
    }
    self.size = UInt16(size)
    self.descriptors = descriptors
    self.available = available
    self.used = used
  }

  // The parts of the rings. None of these sums can overflow: the ranges were checked.

  var availableFlags: GuestAddress { available }
  var availableIndex: GuestAddress { GuestAddress(available.rawValue + 2) }
  /// The slot that `index`, which counts on for ever, falls into.
  func availableHead(_ index: UInt16) -> GuestAddress {
    GuestAddress(available.rawValue + 4 + 2 * UInt64(index & (size - 1)))
  }
  /// Behind the heads: up to where the driver wants to be left alone (2.7.7).
  var usedEvent: GuestAddress { GuestAddress(available.rawValue + 4 + 2 * UInt64(size)) }

  var usedFlags: GuestAddress { used }
  var usedIndex: GuestAddress { GuestAddress(used.rawValue + 2) }
  func usedElement(_ index: UInt16) -> GuestAddress { GuestAddress(used.rawValue + 4 + 8 * UInt64(index & (size - 1))) }
  /// Behind the elements: up to where the device wants to be left alone (2.7.10).
  var availableEvent: GuestAddress { GuestAddress(used.rawValue + 4 + 8 * UInt64(size)) }
}
