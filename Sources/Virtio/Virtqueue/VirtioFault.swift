import GuestMemory

/// What a driver did that no device can make sense of. Its device stops and asks for a reset (virtio 1.2, 2.1.2,
/// DEVICE_NEEDS_RESET); nothing else is touched.
package enum VirtioFault: Error, Equatable, Sendable {
  /// A queue's size is no power of two, or more than the device offers (2.7).
  case queueSize(UInt32)
  /// A part of a queue is not aligned, or not all RAM (2.7).
  case queueAddress(GuestAddress)
  /// More chains are offered than the queue has descriptors (2.7.13).
  case availableIndexRanAhead(UInt16)
  /// A descriptor's number is beyond its table's end.
  case descriptorIndex(UInt32)
  /// A chain has more descriptors than the queue, so it is a loop or too long (2.7.5.2, 2.7.5.3.1).
  case chainTooLong
  /// A chain describes more than 2^32 bytes (2.7.5.2).
  case tooManyBytes
  /// A buffer's bytes are not all RAM.
  case buffer(GuestAddress, count: UInt32)
  /// A buffer without a byte: every element of a chain has something to say (2.7.13.1).
  case emptyBuffer
  /// A device-readable buffer follows a device-writable one (2.7.4.2).
  case readableAfterWritable
  /// An indirect table without the feature, inside another, followed by a descriptor, or of an impossible size
  /// (2.7.5.3.1).
  case indirectTable
  /// A request lacks a part that its device needs in order to answer at all, or has it in the wrong direction.
  case malformedRequest
  /// A queue's registers were written while it was in use (4.2.2.2).
  case liveQueueChanged
}

extension VirtioFault: CustomStringConvertible {
  /// What the driver did, for the end of a sentence.
  package var description: String {
    switch self {
    case .queueSize(let size): "a queue of \(size) descriptors"
    case .queueAddress(let address): "a part of a queue at \(address), which is not aligned or not memory"
    case .availableIndexRanAhead(let index): "the available index \(index), for more chains than its queue holds"
    case .descriptorIndex(let index): "descriptor \(index), which is beyond the table's end"
    case .chainTooLong: "a chain of descriptors that is longer than its queue, or has no end"
    case .tooManyBytes: "a chain of more than 4 GiB"
    case .buffer(let address, let count): "a buffer of \(count) bytes at \(address), where there is no memory"
    case .emptyBuffer: "a buffer without a byte"
    case .readableAfterWritable: "a buffer to read after one to write"
    case .indirectTable: "an indirect table that may not be there, or of an impossible size"
    case .malformedRequest: "a request without a part that it needs, or with one in the wrong direction"
    case .liveQueueChanged: "a queue's registers written while it was in use"
    }
  }
}

extension VirtioFault {
  /// For accesses that were checked before: they cannot fail, as a guest's RAM does not change.
  @inline(__always)
  static func accessing<Result>(
    _ body: () throws(GuestMemoryError) -> Result
  ) throws(VirtioFault) -> Result {
    do throws(GuestMemoryError) {
      return try body()
    } catch {
      switch error {
      case .notRAM(let address, let count): throw .buffer(address, count: UInt32(clamping: count))
      case .misaligned(let address): throw .queueAddress(address)
      case .host, .fileEnded: throw .malformedRequest
      }
    }
  }
}
