import CLinux
import Glibc

/// An open file that is written to without waiting for whoever reads it.
package struct ByteSink: Sendable {
  package let file: SharedDescriptor
  /// How a write is kept from waiting.
  private let writing: Writing

  private enum Writing {
    /// The open file is non-blocking, or is one that never makes anybody wait for a reader.
    case plain
    case socket
    /// Not at all.
    case waiting
  }

  /// Whether a write may wait for the reader all the same.
  package var mayWait: Bool { writing == .waiting }

  /// - Parameter file: non-blocking, or a regular file.
  package init(_ file: SharedDescriptor) { (self.file, writing) = (file, .plain) }

  package init(socket: SharedDescriptor) { (file, writing) = (socket, .socket) }

  private init(_ file: SharedDescriptor, _ writing: Writing) { (self.file, self.writing) = (file, writing) }

  /// Standard output or standard error. Whoever else has it open must not find it non-blocking, so a pipe or a terminal
  /// is opened anew, which makes the flag ours alone. Files are not: they have a place where writing goes on.
  ///
  /// - Parameter number: STDOUT_FILENO or STDERR_FILENO.
  package static func standard(_ number: Int32) throws(SystemCallError) -> ByteSink {
    switch try FileStatus(of: number).kind {
    case .pipe, .characterDevice:
      let access: Descriptor.Access = [.writeOnly, .nonBlocking, .noControllingTerminal]
      do throws(SystemCallError) {
        return ByteSink(SharedDescriptor(try .open("/proc/self/fd/\(number)", access)))
      } catch {
        // A terminal that belongs to another user (su) may be used but not opened. Its writes may wait.
        return ByteSink(SharedDescriptor(try .duplicate(of: number)), .waiting)
      }
    case .socket:
      return ByteSink(SharedDescriptor(try .duplicate(of: number)), .socket)
    case .regular, .directory, .blockDevice, .other:
      return ByteSink(SharedDescriptor(try .duplicate(of: number)))
    }
  }

  /// For an event loop.
  package var number: Int32 { file.number }

  /// Waits until the reader takes something.
  package func awaitRoom(milliseconds: Int32) { _ = linux_poll_writable(number, milliseconds) }

  /// Writes once.
  ///
  /// - Returns: the number of bytes that were taken, which may be fewer than offered.
  /// - Throws: `EAGAIN` when the reader takes nothing now.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
    // SAFETY: the caller's bytes, for the call.
    switch writing {
    case .plain, .waiting: unsafe try file.descriptor.write(bytes)
    case .socket: unsafe try file.descriptor.sendWithoutWaiting(bytes)
    }
  }
}
