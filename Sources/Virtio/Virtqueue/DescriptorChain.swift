import GuestMemory

/// A request as a driver has put it together: buffers that the device may read, then buffers that it may write.
///
/// All of it was checked when it came off the queue: every range is RAM and none is empty. How a request is cut into
/// buffers means nothing (virtio 1.2, 2.7.4.1), so devices address its bytes by their place in the readable or the
/// writable part. A chain is meant to be used again for the next request: then it allocates nothing.
package struct DescriptorChain {
  /// The part of a chain that bytes are counted in.
  package enum Part: Sendable { case readable, writable }

  /// The first descriptor's number, by which the driver knows the request.
  package private(set) var head: UInt16 = 0
  /// The readable ranges, then the writable ones.
  package private(set) var ranges: [GuestRange] = []
  /// How many of the ranges are readable.
  package private(set) var readableRangeCount = 0
  /// The bytes of all readable ranges, at most 2^32.
  package private(set) var readableBytes: UInt64 = 0
  /// The bytes of all writable ranges, at most 2^32.
  package private(set) var writableBytes: UInt64 = 0

  /// Which start of the queue the chain came from: one from before a reset must not come back after it.
  private(set) var generation: UInt32 = 0
  private let memory: GuestMemory

  package init(in memory: GuestMemory) { self.memory = memory }

  // MARK: Made by the queue

  mutating func begin(head: UInt16, generation: UInt32) {
    self.head = head
    self.generation = generation
    ranges.removeAll(keepingCapacity: true)
    readableRangeCount = 0
    readableBytes = 0
    writableBytes = 0
  }

  mutating func append(_ descriptor: QueueDescriptor) throws(VirtioFault) {
    guard descriptor.length > 0 else { throw .emptyBuffer }
    guard let range = GuestRange(start: descriptor.address, count: UInt64(descriptor.length)), memory.contains(range)
    else { throw .buffer(descriptor.address, count: descriptor.length) }
    if descriptor.flags.contains(.write) {
      writableBytes += range.count
    } else {
      guard readableRangeCount == ranges.count else { throw .readableAfterWritable }
      readableRangeCount += 1
      readableBytes += range.count
    }
    guard readableBytes + writableBytes <= 1 << 32 else { throw .tooManyBytes }
    ranges.append(range)
  }

  // MARK: Used by devices

  /// The number of bytes in a part.
  package func byteCount(_ part: Part) -> UInt64 { part == .readable ? readableBytes : writableBytes }

  /// Calls `body` with each piece of a stretch of the chain's bytes, in order.
  ///
  /// - Parameters:
  ///   - offset: bytes from the start of `part`.
  ///   - count: bytes.
  /// - Throws: ``VirtioFault/malformedRequest`` when the part ends before; `body` has then not been called.
  package func forEachRange(
    _ part: Part, at offset: UInt64, count: UInt64, _ body: (GuestRange) throws(VirtioFault) -> Void
  ) throws(VirtioFault) {
    let total = byteCount(part)
    guard offset <= total, count <= total - offset else { throw .malformedRequest }
    var skipped = offset
    var left = count
    let indices = part == .readable ? 0..<readableRangeCount : readableRangeCount..<ranges.count
    for index in indices where left > 0 {
      let range = ranges[index]
      if skipped >= range.count {
        skipped -= range.count
        continue
      }
      let piece = min(range.count - skipped, left)
      // Inside a range that does not wrap, so neither does its piece.
      try body(GuestRange(start: GuestAddress(range.start.rawValue + skipped), count: piece)!)
      skipped = 0
      left -= piece
    }
  }

  /// Copies bytes of a part out of the guest.
  package func read(
    _ part: Part = .readable, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(VirtioFault) {
    var done = 0
    try forEachRange(part, at: offset, count: UInt64(buffer.count)) { range throws(VirtioFault) in
      let count = Int(range.count)
      // SAFETY: the pieces' counts add up to the buffer's, so done + count is inside it.
      try VirtioFault.accessing { () throws(GuestMemoryError) in
        unsafe try memory.read(
          range.start, into: UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count]))
      }
      done += count
    }
  }

  /// Copies `count` readable bytes out of the guest over the first of `bytes`, which are as many at least.
  package func read(at offset: UInt64, into bytes: inout [UInt8], count: Int) throws(VirtioFault) {
    var fault: VirtioFault?
    // SAFETY: only the array's own bytes are written.
    unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(VirtioFault) {
        unsafe try read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
      } catch {
        fault = error
      }
    }
    if let fault { throw fault }
  }

  /// Copies bytes into the writable part.
  package func write(_ bytes: RawSpan, at offset: UInt64) throws(VirtioFault) {
    var done = 0
    try forEachRange(.writable, at: offset, count: UInt64(bytes.byteCount)) { range throws(VirtioFault) in
      let count = Int(range.count)
      try VirtioFault.accessing { () throws(GuestMemoryError) in
        try memory.write(bytes.extracting(done..<done + count), at: range.start)
      }
      done += count
    }
  }

  /// Reads a little-endian integer from the readable part.
  package func load<Value: FixedWidthInteger & BitwiseCopyable>(
    at offset: UInt64, as type: Value.Type = Value.self
  ) throws(VirtioFault) -> Value {
    var value: Value = 0
    // SAFETY: the integer's own bytes, every pattern of which is a valid one.
    unsafe try withUnsafeMutableBytes(of: &value) { bytes throws(VirtioFault) in
      unsafe try read(at: offset, into: bytes)
    }
    return Value(littleEndian: value)
  }

  /// Writes an integer as little-endian bytes into the writable part.
  package func store<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value, at offset: UInt64
  ) throws(VirtioFault) {
    let bytes: InlineArray<1, Value> = [value.littleEndian]
    // SAFETY: an integer has no padding.
    unsafe try write(bytes.span.bytes, at: offset)
  }
}
