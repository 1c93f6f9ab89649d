import Glibc
import Host

/// How two meet at a socket's path: whoever comes first listens, the other connects. Several may come at once, and a
/// file may be there that nobody listens at any more.
enum SocketMeeting: ~Copyable {
  /// Somebody listens, and has or will accept; nil: they are too busy just now.
  case joined(Host.Descriptor?)
  case listening(StreamListener)

  /// A program that is starting has a file for a moment before it listens.
  private static let attempts = 4
  private static let pauseMicroseconds: UInt32 = 25_000

  /// - Throws: why neither is possible: `EADDRINUSE` when a file of another kind is there.
  static func at(_ path: String) throws(SystemCallError) -> SocketMeeting {
    if let joined = try join(path) { return joined }
    // From here to the end nobody else decides: of two that found a dead file, the second must not remove the first's
    // new one.
    let lock = try FolderLock(around: path)
    for _ in 1..<attempts {
      if let joined = try join(path) { return joined }
      guard SocketFile(at: path) != nil else { break }
      usleep(pauseMicroseconds)
    }
    SocketFile(at: path)?.remove()
    let listener = try StreamListener(at: path)
    lock.release()
    return .listening(listener)
  }

  /// - Returns: nil when nobody listens.
  private static func join(_ path: String) throws(SystemCallError) -> SocketMeeting? {
    do throws(SystemCallError) {
      return .joined(try .connect(to: path))
    } catch where error.errno == .again {
      return .joined(nil)
    } catch where error.errno == .noSuchFile || error.errno == .connectionRefused {
      return nil
    }
  }
}
