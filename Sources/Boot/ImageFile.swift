import GuestMemory
import Host

/// A file that is to be put into a guest: a kernel, an initrd, a module. It is open for reading as long as this
/// value lives.
package final class ImageFile: Sendable {
  /// The path as the user wrote it, by which messages name the file.
  package let path: String
  /// The size in bytes when it was opened, above 0.
  package let size: UInt64
  private let file: Descriptor

  /// Opens a file and makes sure that it is one that can hold an image.
  ///
  /// - Parameter place: where the file is, when it is not the one at `path` but what was made of it.
  /// - Throws: ``BootError`` when it is missing, may not be read, is no regular file, or is empty.
  package init(path: String, at place: String? = nil) throws(BootError) {
    do throws(SystemCallError) {
      // Without waiting, so that a named pipe is refused below instead of being waited for here.
      let file = try Descriptor.open(place ?? path, [.readOnly, .nonBlocking])
      let status = try file.status()
      switch status.kind {
      case .regular: break
      case .directory: throw SystemCallError("open", .isDirectory)
      default: throw SystemCallError("open", .invalidArgument)
      }
      self.path = path
      self.size = status.size
      self.file = file
    } catch {
      throw BootError(path, error.errno == .invalidArgument ? .notRegularFile : .unreadable(error.errno))
    }
    guard size > 0 else { throw BootError(path, .empty) }
  }

  /// The file's name without its folders.
  package var name: String { path.split(separator: "/").last.map(String.init) ?? path }

  /// Exactly `count` bytes at `offset`.
  ///
  /// - Parameter what: what the bytes are, for the message when the file ends before them.
  package func read(_ count: Int, at offset: UInt64, _ what: String) throws(BootError) -> [UInt8] {
    try require(UInt64(count), at: offset, what)
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    // SAFETY: the kernel writes to the array's own storage, within its count; any bytes are valid there.
    unsafe try span.withUnsafeMutableBytes { buffer throws(BootError) in
      unsafe try read(into: buffer, at: offset, what)
    }
    return bytes
  }

  /// The same into memory of the caller's, all of it.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, _ what: String
  ) throws(BootError) {
    try require(UInt64(buffer.count), at: offset, what)
    let got: Int
    // SAFETY: the caller vouches for the buffer.
    do throws(SystemCallError) { got = unsafe try file.read(into: buffer, at: offset) } catch {
      throw BootError(path, .unreadable(error.errno))
    }
    guard got == buffer.count else { throw shrunk(what, offset, buffer.count) }
  }

  /// The file's first bytes, `limit` of them at most.
  package func head(_ limit: Int) throws(BootError) -> [UInt8] {
    try read(Int(min(UInt64(limit), size)), at: 0, "its head")
  }

  /// Makes sure that the file has `count` bytes at `offset`, without reading them.
  func require(_ count: UInt64, at offset: UInt64, _ what: String) throws(BootError) {
    guard offset <= size, count <= size - offset else {
      throw BootError(path, .truncated(what, offset: offset, count: count, size: size))
    }
  }

  /// Reads `count` bytes at `offset` straight into guest memory; the range was checked before.
  func load(_ count: UInt64, at offset: UInt64, to address: GuestAddress, of memory: GuestMemory,
    _ what: String
  ) throws(BootError) {
    try require(count, at: offset, what)
    do throws(GuestMemoryError) {
      try memory.load(Int(count), from: file, at: offset, to: address)
    } catch {
      switch error {
      case .host(let failure): throw BootError(path, .unreadable(failure.errno))
      case .fileEnded: throw shrunk(what, offset, Int(count))
      case .notRAM, .misaligned:
        throw BootError(path, .outsideMemory(what, start: address, count: count, memory: memory.bytes))
      }
    }
  }

  /// The file had the bytes when it was opened and no longer has them.
  private func shrunk(_ what: String, _ offset: UInt64, _ count: Int) -> BootError {
    BootError(path, .truncated(what, offset: offset, count: UInt64(count), size: size))
  }
}
