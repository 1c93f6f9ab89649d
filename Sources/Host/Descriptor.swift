import CLinux
import Glibc

/// An open file descriptor that this value owns and closes with its end.
///
/// It is never inherited by another program.
package struct Descriptor: ~Copyable, Sendable {
  /// The number that the kernel knows it by. Whoever keeps the number must keep the descriptor alive.
  package let number: Int32

  /// Takes ownership of an open descriptor.
  package init(owning number: Int32) { self.number = number }

  deinit { _ = linux_close(number) }

  /// How a file is opened (open(2)).
  package struct Access: OptionSet, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// `[.writeOnly, .create]`. The standard library's own initializer is generic, and looking up at run time what it
    /// needs is time that the start of a guest has not.
    package init(arrayLiteral elements: Access...) {
      rawValue = elements.reduce(0) { $0 | $1.rawValue }
    }

    package static let readOnly = Access(rawValue: O_RDONLY)
    package static let writeOnly = Access(rawValue: O_WRONLY)
    package static let readWrite = Access(rawValue: O_RDWR)
    package static let create = Access(rawValue: O_CREAT)
    package static let truncate = Access(rawValue: O_TRUNC)
    package static let append = Access(rawValue: O_APPEND)
    /// A file that is there already is an error.
    package static let exclusive = Access(rawValue: O_EXCL)
    /// Anything but a directory is an error.
    package static let directory = Access(rawValue: O_DIRECTORY)
    package static let nonBlocking = Access(rawValue: O_NONBLOCK)
    /// A terminal that is opened does not become the process's own.
    package static let noControllingTerminal = Access(rawValue: O_NOCTTY)
    /// Past the page cache (O_DIRECT, which Swift's C library module hides): places, counts and memory are aligned.
    package static let direct = Access(rawValue: 0o40_000)
    /// A file without a name, in the folder whose path is given (O_TMPFILE, which Swift's C library module hides).
    package static let unnamed = Access(rawValue: 0o20_000_000 | O_DIRECTORY)
  }

  /// Opens a file (open(2)); one that is created gets `permissions`, less the process's umask.
  package static func open(
    _ path: String, _ access: Access, permissions: UInt32 = 0o666
  ) throws(SystemCallError) -> Descriptor {
    // SAFETY: the string outlives the call, which only reads it.
    let number = unsafe path.withCString { path in unsafe linux_open(path, access.rawValue, permissions) }
    return Descriptor(owning: try checked("open", number))
  }

  /// Makes a file without a name, which is gone with its last descriptor.
  ///
  /// - Parameter folder: a folder of the file system that is to hold it.
  package static func nameless(in folder: String) throws(SystemCallError) -> Descriptor {
    do throws(SystemCallError) {
      return try open(folder, [.readWrite, .unnamed], permissions: 0o600)
    } catch where error.errno == .notSupported || error.errno == .isDirectory {
      // A file system without such files (open(2), O_TMPFILE) has them in two steps.
      let path = "\(folder)/.rowhouse-\(getpid())-\(Instant.now.nanoseconds)"
      let file = try open(path, [.readWrite, .create, .exclusive], permissions: 0o600)
      Folder.removeFile(path)
      return file
    }
  }

  /// A second descriptor of the same open file (dup(2)); used to own what the program was started with.
  package static func duplicate(of number: Int32) throws(SystemCallError) -> Descriptor {
    Descriptor(owning: try checked("dup", linux_duplicate(number)))
  }

  /// Memory with a descriptor and no name in the file system (memfd_create(2)).
  ///
  /// - Parameter name: what /proc shows for it.
  package static func memory(named name: StaticString) throws(SystemCallError) -> Descriptor {
    // SAFETY: a StaticString's bytes are null-terminated and live for ever.
    let number = name.withUTF8Buffer { name in
      unsafe UnsafeRawPointer(name.baseAddress!).withMemoryRebound(to: CChar.self, capacity: name.count + 1) {
        unsafe linux_memfd($0)
      }
    }
    return Descriptor(owning: try checked("memfd_create", number))
  }

  /// Has reading and writing fail with `EAGAIN` instead of waiting (O_NONBLOCK), for everyone who shares the open file.
  package func makeNonBlocking() throws(SystemCallError) {
    try checked("fcntl", linux_set_nonblocking(number))
  }

  /// Bytes that can be read at once, of a pipe or a terminal (FIONREAD).
  package var inputWaiting: Int { Int(max(0, linux_input_waiting(number))) }

  /// Sets the file's length in bytes (ftruncate(2)).
  package func truncate(to length: Int64) throws(SystemCallError) {
    try checked("ftruncate", linux_truncate(number, length))
  }
}

extension Descriptor {
  /// Reads once (read(2)).
  ///
  /// - Returns: the number of bytes, 0 at the end of the file.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemCallError) -> Int {
    // SAFETY: the buffer's base and count describe memory that the caller owns for the call.
    unsafe try checked("read", linux_read(number, buffer.baseAddress, buffer.count))
  }

  /// Reads once (read(2)).
  ///
  /// - Returns: at most `count` bytes, none at the end of the file.
  package func read(atMost count: Int) throws(SystemCallError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    // SAFETY: the array's own memory.
    let got = unsafe try bytes.withUnsafeMutableBufferPointer { bytes throws(SystemCallError) in
      unsafe try read(into: UnsafeMutableRawBufferPointer(bytes))
    }
    bytes.removeLast(count - got)
    return bytes
  }

  /// Writes once (write(2)).
  ///
  /// - Returns: the number of bytes that were taken, which may be fewer than offered.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
    // SAFETY: the buffer's base and count describe memory that stays readable for the call.
    unsafe try checked("write", linux_write(number, bytes.baseAddress, bytes.count))
  }

  /// Writes without ever waiting, for sockets (send(2) with MSG_DONTWAIT): they cannot be opened anew as non-blocking.
  package func sendWithoutWaiting(_ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
    // SAFETY: as for `write`.
    unsafe try checked("send", linux_send_no_wait(number, bytes.baseAddress, bytes.count))
  }

  /// Writes all of `bytes`, going on after interruptions and short writes.
  package func writeAll(_ bytes: [UInt8]) throws(SystemCallError) {
    var done = 0
    while done < bytes.count {
      do throws(SystemCallError) {
        // SAFETY: the array's own memory, for the call.
        done += unsafe try bytes[done...].withUnsafeBufferPointer { bytes throws(SystemCallError) in
          unsafe try write(UnsafeRawBufferPointer(bytes))
        }
      } catch where error.errno == .interrupted {
        continue
      }
    }
  }

  /// Writes all of `text`, as UTF-8.
  package func writeAll(_ text: String) throws(SystemCallError) { try writeAll(Array(text.utf8)) }

  /// Reads at a place in the file (pread(2)) until `buffer` is full or the file ends, going on after interruptions.
  ///
  /// - Parameter offset: bytes from the file's start.
  /// - Returns: the number of bytes read, less than `buffer.count` only at the end of the file.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(SystemCallError) -> Int {
    var done = 0
    while done < buffer.count {
      // SAFETY: `done` is below the count, so base + done and the rest lie inside the caller's buffer.
      let got = unsafe linux_pread(
        number, buffer.baseAddress! + done, buffer.count - done, Int64(clamping: offset) &+ Int64(done))
      if got == -Int(Errno.interrupted.rawValue) { continue }
      if try checked("pread", got) == 0 { break }
      done += got
    }
    return done
  }
}

extension Descriptor {
  /// Reads up to `count` bytes at a place in the file; fewer come back only when the file ends before.
  package func read(count: Int, at offset: UInt64) throws(SystemCallError) -> [UInt8] {
    var failure: SystemCallError?
    // SAFETY: the buffer has room for `count` bytes, and as many are initialised as were read.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
      do throws(SystemCallError) {
        initialised = unsafe try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}

/// What a file is (fstat(2)).
package struct FileStatus: Sendable {
  package enum Kind: Sendable { case regular, directory, blockDevice, characterDevice, pipe, socket, other }

  package let kind: Kind
  /// The size in bytes; only regular files have one that means anything.
  package let size: UInt64
  /// When it was last written to, in nanoseconds since 1970 by the calendar.
  package let modifiedNanoseconds: Int64
}

extension Descriptor {
  package func status() throws(SystemCallError) -> FileStatus {
    try FileStatus(of: number)
  }

  /// Has the file say that it was written to now; it must be this user's own.
  package func touch() throws(SystemCallError) { try checked("futimens", linux_touch(number)) }
}

extension FileStatus {
  /// The status of an open descriptor, owned or not.
  package init(of number: Int32) throws(SystemCallError) {
    var mode: UInt32 = 0
    var (size, modified): (Int64, Int64) = (0, 0)
    // SAFETY: all pointers are to local variables that outlive the call.
    unsafe try checked("fstat", linux_status(number, &mode, &size, &modified))
    self.init(mode, size, modified)
  }

  /// The status of the file that a path leads to (stat(2)), which need not be one that may be opened.
  package init(of path: String) throws(SystemCallError) {
    var mode: UInt32 = 0
    var (size, modified): (Int64, Int64) = (0, 0)
    // SAFETY: all pointers are to local variables that outlive the call, as the string does.
    unsafe try checked("stat", linux_path_status(path, &mode, &size, &modified))
    self.init(mode, size, modified)
  }

  private init(_ mode: UInt32, _ size: Int64, _ modified: Int64) {
    modifiedNanoseconds = modified
    kind =
      switch mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .directory
      case S_IFBLK: .blockDevice
      case S_IFCHR: .characterDevice
      case S_IFIFO: .pipe
      case S_IFSOCK: .socket
      default: .other
      }
    self.size = UInt64(max(0, size))
  }
}

/// A pipe (pipe(2)): what is written to one end is read from the other.
package struct Pipe: ~Copyable {
  package let reading: Descriptor
  package let writing: Descriptor

  package init() throws(SystemCallError) {
    var ends: (Int32, Int32) = (-1, -1)
    // SAFETY: the tuple is laid out as C's int[2], which is what the call fills.
    let outcome = unsafe withUnsafeMutablePointer(to: &ends) { ends in
      unsafe ends.withMemoryRebound(to: Int32.self, capacity: 2) { unsafe linux_pipe($0) }
    }
    try checked("pipe", outcome)
    reading = Descriptor(owning: ends.0)
    writing = Descriptor(owning: ends.1)
  }
}
