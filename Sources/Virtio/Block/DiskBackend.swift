import DiskImage
import Glibc

/// A disk image, or a chain of them, as what a block device stands on.
package final class DiskBackend: BlockBackend {
  package let disk: Disk
  package let serial: [UInt8]
  /// Hears of what the guest only learns as an I/O error.
  let report: @Sendable (ImageError) -> Void

  package init(_ disk: Disk, serial: [UInt8], report: @escaping @Sendable (ImageError) -> Void) {
    self.disk = disk
    self.serial = serial
    self.report = report
  }

  package var byteCount: UInt64 { disk.size }
  package var isReadOnly: Bool { disk.isReadOnly }
  /// What file systems on the host write in one piece.
  package let preferredBytes: UInt32 = 4096
  package var discardBytes: UInt32 { disk.discardBytes.map { UInt32($0) } ?? preferredBytes }

  package func read(_ buffers: UnsafeBufferPointer<iovec>, at offset: UInt64) throws(BlockFailure) {
    // SAFETY: the buffers and their list are there for the call, by the contract of `BlockBackend`.
    try attempt { () throws(ImageError) in unsafe try disk.read(Segments(buffers), at: offset) }
  }

  package func write(_ buffers: UnsafeBufferPointer<iovec>, at offset: UInt64) throws(BlockFailure) {
    // SAFETY: as for `read`.
    try attempt { () throws(ImageError) in unsafe try disk.write(Segments(buffers), at: offset) }
  }

  package func flush() throws(BlockFailure) {
    try attempt { () throws(ImageError) in try disk.flush() }
  }

  package func discard(at offset: UInt64, count: UInt64) throws(BlockFailure) {
    try attempt { () throws(ImageError) in try disk.discard(at: offset, count: count) }
  }

  package func writeZeroes(at offset: UInt64, count: UInt64, mayUnmap: Bool) throws(BlockFailure) {
    try attempt { () throws(ImageError) in try disk.zero(at: offset, count: count, keepingRoom: !mayUnmap) }
  }

  package func bytesToZero(at offset: UInt64, count: UInt64) -> UInt64 { disk.bytesToZero(at: offset, count: count) }

  private func attempt(_ action: () throws(ImageError) -> Void) throws(BlockFailure) {
    do throws(ImageError) {
      try action()
    } catch {
      report(error)
      throw BlockFailure()
    }
  }
}
