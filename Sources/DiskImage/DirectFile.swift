import Glibc
import Host

/// The way to an image file past the host's page cache (open(2), O_DIRECT), for the guest's data. Tables go through the
/// cache as ever, which the kernel keeps in step: the two never share a page (see ``DiskFile``).
///
/// Memory, places and counts have to be multiples of the device's sector. A guest's places and counts are multiples of
/// 512; its memory may be anything, so what is not aligned there is copied.
final class DirectFile {
  let descriptor: Descriptor
  /// Takes no memory before it is used.
  private let bounce: Mapping

  /// What the host has to take.
  static let unit = 512
  private static let bounceSize = 64 << 10

  /// Opens a file once more.
  ///
  /// - Throws: ``ImageError/Reason/noDirectAccess(_:)`` when its file system cannot do it in pieces of 512 bytes.
  init(_ file: borrowing Descriptor, path: String, writable: Bool) throws(ImageError) {
    bounce = try host(path) { () throws(SystemCallError) in try Mapping.anonymous(DirectFile.bounceSize) }
    do throws(SystemCallError) {
      // By its number: another file may have its name by now, and an overlay may have none.
      descriptor = try .open("/proc/self/fd/\(file.number)", [writable ? .readWrite : .readOnly, .direct])
      // SAFETY: the piece lies in the mapping, at an address that is a multiple of 512 and of nothing larger.
      let probe = unsafe UnsafeMutableRawBufferPointer(start: bounce.base + DirectFile.unit, count: DirectFile.unit)
      unsafe _ = try descriptor.read(into: probe, at: UInt64(DirectFile.unit))
    } catch where error.errno == .invalidArgument || error.errno == .notSupported {
      let reason = "its file system has none, or none in pieces of \(DirectFile.unit) bytes"
      throw ImageError(path, .noDirectAccess(reason))
    } catch {
      throw ImageError(path, .host(error))
    }
  }

  private func bounce(_ count: Int) -> UnsafeMutableRawBufferPointer {
    // SAFETY: the mapping is as large.
    unsafe UnsafeMutableRawBufferPointer(start: bounce.base, count: min(count, DirectFile.bounceSize))
  }

  /// Reads once into the first pieces of `segments`, at most `count` bytes.
  ///
  /// - Returns: the number of bytes; one that is no multiple of 512 tells that the file ends there.
  func read(into segments: Segments, count: Int, at offset: UInt64) throws(SystemCallError) -> Int {
    if segments.isAligned(to: DirectFile.unit) {
      return unsafe try segments.withPieces(atMost: count) { pieces throws(SystemCallError) in
        // SAFETY: whoever made the segments vouches for their memory.
        unsafe try descriptor.read(into: pieces, at: offset)
      }
    }
    let buffer = unsafe bounce(count)
    let got = unsafe try descriptor.read(into: buffer, at: offset)
    var segments = segments
    // SAFETY: as many bytes of the buffer as were read.
    unsafe segments.copy(from: UnsafeRawBufferPointer(rebasing: buffer[..<got]))
    return got
  }

  /// Writes once from the first pieces of `segments`, at most `count` bytes.
  ///
  /// - Returns: the number of bytes that were taken.
  func write(_ segments: Segments, count: Int, at offset: UInt64) throws(SystemCallError) -> Int {
    if segments.isAligned(to: DirectFile.unit) {
      return unsafe try segments.withPieces(atMost: count) { pieces throws(SystemCallError) in
        // SAFETY: as for `read`.
        unsafe try descriptor.write(pieces, at: offset)
      }
    }
    let buffer = unsafe bounce(count)
    // SAFETY: the buffer is this object's own.
    unsafe segments.copy(to: buffer)
    unsafe try descriptor.writeAll(UnsafeRawBufferPointer(buffer), at: offset)
    return buffer.count
  }
}
