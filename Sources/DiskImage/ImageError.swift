import Host

/// Why a disk image cannot be opened, made, read or written: which file, and what is wrong with it.
package struct ImageError: Error, Equatable, Sendable {
  /// The path as the user or the image above it wrote it.
  package let path: String
  package let reason: Reason

  package init(_ path: String, _ reason: Reason) {
    self.path = path
    self.reason = reason
  }

  package enum Reason: Equatable, Sendable {
    /// The host refused a system call.
    case host(SystemCallError)
    /// A directory, a pipe, a socket or a character device.
    case noStorage
    /// In bytes; disks are counted in sectors of 512.
    case oddSize(UInt64)
    /// Another process has the image open in a way that excludes this one; `toWrite` says which way this one
    /// wanted.
    case inUse(toWrite: Bool)
    /// The first bytes are not those of the format.
    case notQcow2
    /// The file ends before a part that its header promises; offsets in bytes.
    case truncated(_ what: String, end: UInt64, size: UInt64)
    /// Somebody else has made the file shorter while it is open.
    case shrank(to: UInt64)
    /// A new image cannot be what was asked for; the text says why.
    case cannotBeMade(String)
    /// A header field makes no sense; the text names it with its value.
    case malformed(String)
    /// The image is sound as far as it is understood, but uses what this program does not offer.
    case unsupported(String)
    /// A table contradicts the file or another table; the text names the entry.
    case corrupt(String)
    /// A backing chain comes back to a file that is already in it.
    case backingLoop
    /// A backing chain of more than this many files.
    case backingTooDeep(limit: Int)
    /// An image that is there already does not stand on what it was to stand on; the text says on what it does.
    case standsOnAnother(String)
    /// The host cannot read and write it past its page cache; the text says why.
    case noDirectAccess(String)
    /// The image is open for reading only.
    case readOnly
    /// A request reaches past the end of the disk of `size` bytes.
    case outOfRange(offset: UInt64, count: UInt64, size: UInt64)
    /// The format has no way to name a place for more data.
    case full
    /// A guest wrote to a raw disk what would make the next start take it for another format.
    case wouldChangeFormat
  }
}

extension ImageError: CustomStringConvertible {
  /// One line: the file, what is wrong with it, and what to do where that is not plain.
  package var description: String { "\(path): \(reason)" }
}

extension ImageError.Reason: CustomStringConvertible {
  package var description: String {
    switch self {
    case .host(.init("open", .exists)):
      "is there already, and no file is overwritten"
    case .host(let error):
      error.call.description == "open" ? "cannot be opened: \(error.errno)" : "\(error)"
    case .noStorage:
      "is neither a regular file nor a block device"
    case .oddSize(let size):
      "has a size of \(size) bytes, which is no multiple of 512"
    case .inUse(let toWrite):
      toWrite
        ? "is in use by another process and cannot be written; an overlay of its own lets each guest write"
        : "is being written by another process and cannot be read"
    case .notQcow2:
      "is no qcow2 image: it does not start with \"QFI\\xfb\""
    case .truncated(let what, let end, let size):
      "is truncated: \(what) ends at \(end), the file has \(size) bytes"
    case .shrank(let size):
      "was made shorter while it was in use: it has only \(size) bytes left"
    case .cannotBeMade(let text):
      "cannot be made: \(text)"
    case .malformed(let text):
      "has a broken header: \(text)"
    case .unsupported(let text):
      "cannot be used: \(text)"
    case .corrupt(let text):
      "is corrupt: \(text)"
    case .backingLoop:
      "is backed by itself: its chain of backing files comes back to it"
    case .backingTooDeep(let limit):
      "stands on more than \(limit) backing files"
    case .standsOnAnother(let text):
      "is there already, and \(text)"
    case .noDirectAccess(let text):
      "cannot be used with direct I/O: \(text)"
    case .readOnly:
      "is open for reading only"
    case .outOfRange(let offset, let count, let size):
      "has \(size) bytes, none for the \(count) at \(offset)"
    case .full:
      "is full: the format cannot name a place for more data"
    case .wouldChangeFormat:
      "is raw by guess: a guest may not make it look like another format; name the format to allow it"
    }
  }
}

/// Runs `body`, which calls the host for the file at `path`, and says of its errors what file they are about.
@inline(__always)
func host<Result: ~Copyable>(
  _ path: String, _ body: () throws(SystemCallError) -> Result
) throws(ImageError) -> Result {
  do throws(SystemCallError) { return try body() } catch { throw ImageError(path, .host(error)) }
}
