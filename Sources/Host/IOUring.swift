import CLinux
import CURing
import Glibc

/// A ring of requests to files that the kernel works on by itself (io_uring(7)), through liburing.
///
/// Calls must come one at a time; they may come from any thread.
@safe
package final class IOUring {
  private let ring: UnsafeMutablePointer<io_uring>

  /// A request that has finished.
  package struct Completion: Equatable, Sendable {
    /// What the request was called when it was prepared.
    package let tag: UInt64
    /// What the call of the same name would have returned: a count of bytes, 0, or `-errno`.
    package let result: Int32

    package init(tag: UInt64, result: Int32) {
      self.tag = tag
      self.result = result
    }
  }

  /// - Parameter entries: how many requests may wait to be sent off.
  /// - Throws: also where the kernel has none, or an administrator forbids it (`kernel.io_uring_disabled`, seccomp).
  package init(entries: UInt32) throws(SystemCallError) {
    let ring = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
    // SAFETY: freed in `deinit`, or below; liburing fills it.
    unsafe ring.initialize(to: io_uring())
    let status = unsafe uring_open(ring, entries)
    guard status >= 0 else {
      unsafe ring.deallocate()
      throw SystemCallError("io_uring_setup", Errno(rawValue: -status))
    }
    unsafe self.ring = ring
    // From here on `deinit` frees it. Rings may be allowed, and using them not: seccomp knows the calls apart.
    // SAFETY: the ring is open.
    unsafe try checked("io_uring nop", uring_nothing(ring, 0))
    try submit()
    while next() == nil { wait() }
  }

  deinit {
    // SAFETY: opened in `init`, and not used any more.
    unsafe uring_close(ring)
    unsafe ring.deallocate()
  }

  /// For an event loop: readable as long as a request has finished that ``next()`` has not given. So one that has
  /// finished by the time that it was sent off, as reads from the page cache have, wakes nobody.
  package var number: Int32 {
    // SAFETY: the ring is open.
    unsafe uring_number(ring)
  }

  // MARK: Requests

  /// Prepares to read. The list of pieces and the memory they name must stay until the request has finished.
  package func read(
    _ file: Int32, into pieces: UnsafeBufferPointer<iovec>, at offset: UInt64, tag: UInt64
  ) throws(SystemCallError) {
    // SAFETY: the caller keeps the pieces, by the contract above.
    unsafe try checked(
      "io_uring read", uring_read(ring, file, pieces.baseAddress, UInt32(pieces.count), offset, tag))
  }

  /// Prepares to write, under the same conditions.
  package func write(
    _ file: Int32, from pieces: UnsafeBufferPointer<iovec>, at offset: UInt64, tag: UInt64
  ) throws(SystemCallError) {
    // SAFETY: as for `read`.
    unsafe try checked(
      "io_uring write", uring_write(ring, file, pieces.baseAddress, UInt32(pieces.count), offset, tag))
  }

  /// Prepares to make durable what had been written before (fdatasync(2)).
  package func syncData(_ file: Int32, tag: UInt64) throws(SystemCallError) {
    // SAFETY: the ring is open.
    unsafe try checked("io_uring fsync", uring_sync_data(ring, file, tag))
  }

  /// Sends off what was prepared, in that order. What the kernel does not take now may be sent off again.
  ///
  /// - Returns: how many requests it took.
  /// - Throws: when it took none; ``Errno/again``, ``Errno/busy`` and ``Errno/interrupted`` say that it might the next
  ///   time.
  @discardableResult
  package func submit() throws(SystemCallError) -> Int {
    // SAFETY: the ring is open.
    Int(unsafe try checked("io_uring_enter", uring_submit(ring)))
  }

  /// Waits until a request has finished that was sent off, or a signal came.
  package func wait() { _ = linux_poll_readable(number, -1) }

  /// A request that has finished since, nil when there is none.
  package func next() -> Completion? {
    var tag: UInt64 = 0
    var result: Int32 = 0
    // SAFETY: two local variables are written.
    guard unsafe uring_take(ring, &tag, &result) == 1 else { return nil }
    return Completion(tag: tag, result: result)
  }
}
