import Glibc
import Host

/// One file or block device that holds an image: opened, locked, and read and written at places.
///
/// Reading past its end gives zeros: images may end in the middle of their last cluster.
package final class DiskFile {
  /// The path as the user or the image above it wrote it.
  package let path: String
  package let isWritable: Bool
  package let identity: FileIdentity
  /// Where the file ends, in bytes. Writes move it.
  package private(set) var end: UInt64
  private let descriptor: Descriptor
  /// Where the guest's data goes past the page cache.
  private let direct: DirectFile?
  private let kind: FileStatus.Kind
  /// Whether the file system can punch holes, so that it is asked once and not per request; nil: it was not asked yet.
  private var canPunch: Bool?
  /// After a sync that failed, the kernel forgets what it could not write: a later success would say nothing.
  private var loss: ImageError?

  /// A change of the file, as `journal` sees it.
  package enum Change {
    case write(offset: UInt64, bytes: [UInt8])
    case hole(offset: UInt64, count: UInt64)
    case sync
  }

  /// Sees each change before it is made, in order: crash tests cut the sequence anywhere and look at what is
  /// left.
  package var journal: ((Change) -> Void)?

  /// Opens and locks a file.
  ///
  /// - Parameter isDirect: moves data past the host's page cache.
  /// - Throws: ``ImageError`` when it is missing, is in use, or is nothing that can hold an image.
  package convenience init(path: String, writable: Bool, isDirect: Bool = false) throws(ImageError) {
    let descriptor = try host(path) { () throws(SystemCallError) in
      // Without waiting, so that a named pipe is refused below instead of being waited for here.
      try Descriptor.open(path, [writable ? .readWrite : .readOnly, .nonBlocking])
    }
    try self.init(descriptor, path: path, writable: writable, isDirect: isDirect)
  }

  /// Takes an open file and locks it; `path` is what messages call it.
  package init(
    _ descriptor: consuming Descriptor, path: String, writable: Bool, isDirect: Bool = false
  ) throws(ImageError) {
    self.path = path
    isWritable = writable
    let status: FileStatus
    do throws(SystemCallError) {
      status = try descriptor.status()
      identity = try FileIdentity(of: descriptor)
    } catch {
      throw ImageError(path, .host(error))
    }
    kind = status.kind
    guard kind == .regular || kind == .blockDevice else { throw ImageError(path, .noStorage) }
    try ImageLock.take(on: descriptor, path: path, toWrite: writable)
    // After the lock: a writer may have grown it until then.
    do throws(SystemCallError) { end = try descriptor.end() } catch { throw ImageError(path, .host(error)) }
    direct = isDirect ? try DirectFile(descriptor, path: path, writable: writable) : nil
    self.descriptor = descriptor
  }

  /// For an I/O engine of its own: where data goes to. The descriptor lives as long as this object.
  package var dataNumber: Int32 { direct?.descriptor.number ?? descriptor.number }

  /// Whether that is past the page cache, and memory therefore has to be aligned to ``directUnit``.
  package var isDirect: Bool { direct != nil }
  package static let directUnit = DirectFile.unit

  /// Whether io_uring hands writes to the page cache to a thread of its own, as the file system does none that must not
  /// wait. Only of file systems on this host: another host, or a process, could have writes wait for ever.
  package var isWrittenByWorkers: Bool {
    guard kind == .regular, !isDirect, let system = try? FileSystem(of: descriptor) else { return false }
    return [.ext4, .tmpfs].contains(system)
  }

  // MARK: Reading

  /// Fills `buffer` from `offset` on.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(ImageError) {
    let got = try host(path) { () throws(SystemCallError) in
      // SAFETY: the caller vouches for the buffer.
      unsafe try descriptor.read(into: buffer, at: offset)
    }
    guard got < buffer.count else { return }
    try requireBytes(at: offset + UInt64(got))
    // SAFETY: what was read is at most the buffer's count.
    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[got...]).zero()
  }

  /// `count` bytes from `offset` on, for what is small and seldom read.
  func bytes(_ count: Int, at offset: UInt64) throws(ImageError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    // SAFETY: the kernel writes to the array's own storage, within its count; any bytes are valid there.
    try unsafe span.withUnsafeMutableBytes { buffer throws(ImageError) in unsafe try read(into: buffer, at: offset) }
    return bytes
  }

  /// Fills the first `count` bytes of `segments` from `offset` on.
  func read(into segments: Segments, count: Int, at offset: UInt64) throws(ImageError) {
    var segments = segments
    var offset = offset
    var rest = count
    while rest > 0 {
      let got = try host(path) { () throws(SystemCallError) in
        if let direct { return try direct.read(into: segments, count: rest, at: offset) }
        // SAFETY: whoever made the segments vouches for their memory.
        return unsafe try segments.withPieces(atMost: rest) { pieces throws(SystemCallError) in
          unsafe try descriptor.read(into: pieces, at: offset)
        }
      }
      segments.skip(got)
      offset += UInt64(got)
      rest -= got
      if offset >= end { return segments.zero(rest) }
      if got == 0 { try requireBytes(at: offset) }
    }
  }

  /// The host has found no bytes at `offset`, which is right only past the file's end: a file that somebody has made
  /// shorter is not to be taken for one full of zeros. A file that is just being written further may have some by now.
  package func requireBytes(at offset: UInt64) throws(ImageError) {
    guard offset < end else { return }
    let rest = try host(path) { () throws(SystemCallError) in try descriptor.end() }
    guard offset < rest else { throw ImageError(path, .shrank(to: rest)) }
  }

  // MARK: Writing

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ImageError) {
    // SAFETY: the copy is made while the caller's buffer is alive.
    if let journal { unsafe journal(.write(offset: offset, bytes: Array(bytes))) }
    try host(path) { () throws(SystemCallError) in
      // SAFETY: the caller vouches for the buffer.
      unsafe try descriptor.writeAll(bytes, at: offset)
    }
    wrote(upTo: offset + UInt64(bytes.count))
  }

  func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(ImageError) {
    // SAFETY: the span's bytes are alive within the closure.
    unsafe try bytes.withUnsafeBytes { bytes throws(ImageError) in unsafe try write(bytes, at: offset) }
  }

  /// Writes the first `count` bytes of `segments` at `offset`.
  func write(_ segments: Segments, count: Int, at offset: UInt64) throws(ImageError) {
    if let journal { journal(.write(offset: offset, bytes: segments.bytes(count))) }
    var segments = segments
    var offset = offset
    var rest = count
    while rest > 0 {
      let taken = try host(path) { () throws(SystemCallError) in
        if let direct { return try direct.write(segments, count: rest, at: offset) }
        // SAFETY: whoever made the segments vouches for their memory.
        return unsafe try segments.withPieces(atMost: rest) { pieces throws(SystemCallError) in
          unsafe try descriptor.write(pieces, at: offset)
        }
      }
      segments.skip(taken)
      offset += UInt64(taken)
      rest -= taken
    }
    wrote(upTo: offset)
  }

  /// Writes zeros as data, for what must not be a hole or where holes cannot be made.
  func writeZeros(at offset: UInt64, count: UInt64) throws(ImageError) {
    var offset = offset
    var rest = count
    while rest > 0 {
      let count = Int(min(rest, UInt64(zeros.count)))
      try write(zeros.span.extracting(first: count), at: offset)
      offset += UInt64(count)
      rest -= UInt64(count)
    }
  }

  /// Makes the file end at `end`; what is added reads as zeros and takes no room.
  func setEnd(_ end: UInt64) throws(ImageError) {
    try host(path) { () throws(SystemCallError) in try descriptor.truncate(to: Int64(clamping: end)) }
    self.end = end
  }

  /// Notes what an I/O engine of its own has written.
  package func wrote(upTo offset: UInt64) { end = max(end, offset) }

  /// Returns when everything written before is on stable storage.
  func sync() throws(ImageError) {
    try requireNothingLost()
    journal?(.sync)
    do throws(SystemCallError) { try descriptor.syncData() } catch { throw lost(by: error) }
  }

  /// Nothing is durable any more after a sync that failed: the kernel may have dropped what it could not write.
  func requireNothingLost() throws(ImageError) {
    if let loss { throw loss }
  }

  func lost(by failure: SystemCallError) -> ImageError {
    let error = ImageError(path, .host(failure))
    loss = error
    return error
  }

  // MARK: Holes

  /// Whether a hole is known to be made wherever it is asked for. Of a block device that is never known: one piece may
  /// be too small for its sectors, and another it may write itself.
  var alwaysPunches: Bool { kind == .regular && canPunch == true }

  /// Gives the room of bytes back.
  ///
  /// - Returns: whether they read as zeros now; not every file system and device can do it.
  func punchHole(at offset: UInt64, count: UInt64) throws(ImageError) -> Bool {
    guard canPunch != false else { return false }
    journal?(.hole(offset: offset, count: count))
    do throws(SystemCallError) {
      try descriptor.punchHole(at: offset, count: count)
      canPunch = true
      return true
    } catch where error.errno == .notSupported {
      canPunch = false
      return false
    } catch where error.errno == .invalidArgument {
      // A block device whose sectors are larger than the piece.
      return false
    } catch {
      throw ImageError(path, .host(error))
    }
  }

  /// Makes bytes read as zeros and keeps their room.
  func zero(at offset: UInt64, count: UInt64) throws(ImageError) {
    do throws(SystemCallError) {
      try descriptor.zeroRange(at: offset, count: count)
      journal?(.hole(offset: offset, count: count))
    } catch where [.notSupported, .invalidArgument].contains(error.errno) {
      // The second of a block device whose sectors are larger than the piece.
      try writeZeros(at: offset, count: count)
    } catch {
      throw ImageError(path, .host(error))
    }
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Fills the buffer with zeros.
  func zero() {
    // SAFETY: the buffer's base and count describe memory that its owner may write.
    guard let base = baseAddress else { return }
    unsafe memset(base, 0, count)
  }
}

/// Zeros to write from.
private let zeros = [UInt8](repeating: 0, count: 16 << 10)
