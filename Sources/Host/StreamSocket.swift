import CLinux
import Glibc

/// Stream sockets that have a path (unix(7)). None of them ever waits.
extension Descriptor {
  /// Connects to whoever listens at `path`.
  ///
  /// - Throws: `ENOENT` when nothing is there, `ECONNREFUSED` when nobody listens there, `EAGAIN` when too many wait to
  ///   be accepted.
  package static func connect(to path: String) throws(SystemCallError) -> Descriptor {
    // SAFETY: the string outlives the call, which only reads it.
    Descriptor(owning: try checked("connect", unsafe linux_connect(path)))
  }

  /// Reads once (recv(2) with MSG_DONTWAIT), for sockets.
  ///
  /// - Returns: the number of bytes, 0 when the other side has closed.
  package func receiveWithoutWaiting(into buffer: UnsafeMutableRawBufferPointer) throws(SystemCallError) -> Int {
    // SAFETY: the buffer's base and count describe memory that the caller owns for the call.
    try checked("recv", unsafe linux_receive_no_wait(number, buffer.baseAddress, buffer.count))
  }
}

extension Descriptor {
  /// The next who has connected to a socket (accept4(2)), and is still there.
  ///
  /// - Returns: nil when there is none.
  /// - Throws: `EMFILE` or `ENFILE`, among others, when there is no descriptor left. Who has connected still waits
  ///   then.
  static func accept(at listener: Int32) throws(SystemCallError) -> Descriptor? {
    while true {
      let number = linux_accept(listener)
      switch number {
      case -EINTR, -ECONNABORTED: continue
      case -EAGAIN: return nil
      default: return Descriptor(owning: try checked("accept", number))
      }
    }
  }
}

/// A socket that others connect to. Its file goes when this does, unless somebody else has put another in its place.
package final class StreamListener: Sendable {
  private let path: String
  private let socket: Descriptor
  private let file: SocketFile?

  /// - Throws: `EADDRINUSE` when the path is taken, by whatever it is.
  package init(at path: String) throws(SystemCallError) {
    self.path = path
    // SAFETY: the string outlives the call, which only reads it.
    socket = Descriptor(owning: try checked("bind", unsafe linux_listen(path)))
    file = SocketFile(at: path)
  }

  deinit { removeFile() }

  /// Has nobody new connect. Who has connected and was not accepted yet still can be.
  package func removeFile() {
    // Between the look and the removal another program may put its own file there, if it does not keep to the folder's
    // lock.
    if let file, let lock = try? FolderLock(around: path) {
      if SocketFile(at: path) == file { file.remove() }
      lock.release()
    }
  }

  package var number: Int32 { socket.number }

  /// Whether somebody has connected and was not accepted yet.
  package var isAwaited: Bool { linux_poll_readable(socket.number, 0) > 0 }

  /// Whether the file was removed, so that nobody new can connect.
  package var isRemoved: Bool {
    do throws(SystemCallError) {
      _ = try FileStatus(of: path)
      return false
    } catch {
      return error.errno == .noSuchFile
    }
  }

  /// The next of this user's own programs that has connected (SO_PEERCRED); those of others are closed unread.
  ///
  /// - Returns: nil when there is none.
  /// - Throws: when there is no descriptor left for it.
  package func acceptOwn() throws(SystemCallError) -> Descriptor? {
    while let connection = try accept() {
      if linux_peer_user(connection.number) == Int64(geteuid()) { return connection }
    }
    return nil
  }

  /// The next who has connected, whoever it is; otherwise as ``acceptOwn()``.
  package func accept() throws(SystemCallError) -> Descriptor? { try .accept(at: socket.number) }
}

/// The file of a socket, which is there as long as nobody removes it, and not only as long as somebody listens.
package struct SocketFile: Equatable, Sendable {
  private let path: String
  private let device: UInt64
  private let inode: UInt64

  /// What is at `path`; nil when there is nothing, or something that is no socket.
  package init?(at path: String) {
    var (mode, device, inode): (UInt32, UInt64, UInt64) = (0, 0, 0)
    // SAFETY: all pointers are to local variables that outlive the call, as the string does.
    let outcome = unsafe linux_path_identity(path, &mode, &device, &inode)
    guard outcome == 0, mode & S_IFMT == S_IFSOCK else { return nil }
    (self.path, self.device, self.inode) = (path, device, inode)
  }

  package func remove() { Folder.removeFile(path) }
}

/// A moment in which no one else who asks makes or removes files in a folder (flock(2) on the folder, so it leaves
/// nothing behind and ends with its holder).
package struct FolderLock: ~Copyable {
  private let folder: Descriptor

  /// Nobody holds it for longer than a few system calls take; after a second somebody does so on purpose.
  private static let attempts = 200
  private static let pauseMicroseconds: UInt32 = 5000

  /// Locks the folder that `path` is in.
  ///
  /// - Throws: `EAGAIN` when somebody does not give it back.
  package init(around path: String) throws(SystemCallError) {
    let parent = path.pathParts.folder
    let folder = try Descriptor.open(parent.isEmpty ? "." : String(parent), .readOnly)
    var attemptsLeft = Self.attempts
    while true {
      let outcome = linux_try_lock(folder.number)
      attemptsLeft -= 1
      guard outcome == -EAGAIN, attemptsLeft > 0 else {
        try checked("flock", outcome)
        break
      }
      usleep(Self.pauseMicroseconds)
    }
    self.folder = folder
  }

  package consuming func release() {}
}
