import CLinux
import Control
import Host
import Testing

/// One connection to a guest's socket, which waits for what it is told.
struct SocketClient: ~Copyable {
  private let socket: Descriptor
  private var reader = FrameReader()

  init(_ guest: DetachedGuest, _ file: FolderFile) throws {
    socket = try .connect(to: "\(guest.folder)/\(file.rawValue)")
  }

  func send(_ frame: Frame) throws {
    let bytes = frame.bytes
    // SAFETY: the array's own memory, for the call.
    let count = try unsafe bytes.withUnsafeBytes { unsafe try socket.sendWithoutWaiting($0) }
    try #require(count == bytes.count)
  }

  mutating func next() throws -> Frame {
    while true {
      if let frame = try reader.next() { return frame }
      try #require(linux_poll_readable(socket.number, 20_000) > 0)
      let bytes = try socket.read(atMost: 1 << 16)
      try #require(!bytes.isEmpty)
      reader.append(bytes)
    }
  }
}
