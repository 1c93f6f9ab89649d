import Glibc

/// Pieces of guest memory for one system call to fill or to write out (readv(2)), without a copy in between.
///
/// It is made to be used again for the next call: then it allocates nothing.
@safe package struct GuestVectors {
  private let memory: GuestMemory
  // SAFETY: an empty list; what is appended passes the gate.
  private var vectors: [iovec] = unsafe []
  /// The bytes of all pieces.
  package private(set) var byteCount: UInt64 = 0

  package init(in memory: GuestMemory) { self.memory = memory }

  /// The number of pieces.
  // SAFETY: nothing is followed, only counted.
  package var count: Int { unsafe vectors.count }

  package mutating func removeAll() {
    // SAFETY: entries own nothing.
    unsafe vectors.removeAll(keepingCapacity: true)
    byteCount = 0
  }

  package mutating func append(_ range: GuestRange) throws(GuestMemoryError) {
    let count = Int(clamping: range.count)
    // SAFETY: the gate vouches for all of the range.
    unsafe vectors.append(iovec(iov_base: try memory.host(range.start, count: count), iov_len: count))
    byteCount += range.count
  }

  /// Hands the list to system calls, and to nobody who would look at the bytes: vCPUs write there.
  ///
  /// The list is there during the call; the memory that it names, as long as the guest's memory is.
  package func withVectors<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<iovec>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let span = unsafe vectors.span
    // SAFETY: every entry passed the gate, and the memory is kept by this value.
    return unsafe try span.withUnsafeBufferPointer { vectors throws(Failure) in unsafe try body(vectors) }
  }
}
