import Glibc

/// A disk as the host has it. Every call waits until it is done.
package protocol BlockBackend: AnyObject {
  /// The size in bytes, a multiple of 512.
  var byteCount: UInt64 { get }
  var isReadOnly: Bool { get }
  /// What a write at less than this size, or at another multiple of it, has to be made up to: a power of two from 512.
  var preferredBytes: UInt32 { get }
  /// What can be given back has this size, or is at another multiple of it: a power of two from 512.
  var discardBytes: UInt32 { get }
  /// The name that the driver shows for it: ASCII, 20 bytes at most.
  var serial: [UInt8] { get }

  /// Fills the buffers from `offset` on. Offsets and counts are in bytes and inside the disk.
  func read(_ buffers: UnsafeBufferPointer<iovec>, at offset: UInt64) throws(BlockFailure)
  func write(_ buffers: UnsafeBufferPointer<iovec>, at offset: UInt64) throws(BlockFailure)
  /// Returns when all that was written is on stable storage.
  func flush() throws(BlockFailure)
  /// The bytes are of no use any more; what they read as is up to the disk.
  func discard(at offset: UInt64, count: UInt64) throws(BlockFailure)
  /// - Parameter mayUnmap: room for the bytes need not be kept.
  func writeZeroes(at offset: UInt64, count: UInt64, mayUnmap: Bool) throws(BlockFailure)
  /// The most bytes that a ``writeZeroes(at:count:mayUnmap:)`` that may unmap has to write in spite of that.
  func bytesToZero(at offset: UInt64, count: UInt64) -> UInt64
}

/// The host could not do it. The driver hears no more than that; whoever makes the backend may tell a person.
package struct BlockFailure: Error, Equatable, Sendable {
  package init() {}
}
