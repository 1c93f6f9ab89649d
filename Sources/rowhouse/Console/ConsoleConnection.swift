import CLinux
import Control
import Host

/// A connection to a guest's console.sock, on an event loop.
final class ConsoleConnection {
  /// What comes from the VMM, by the id of the request that it answers, 0 for none.
  private let receive: (ConsoleMessage, _ id: UInt32) -> Void
  /// Called when the VMM has ended the connection.
  private let ended: () -> Void
  private let loop: EventLoop
  private let socket: SharedDescriptor
  /// Towards the VMM. Keys go through it as well.
  let writer: StreamWriter
  private var reader = FrameReader()
  private var isReading = true

  /// What is kept of keys that the VMM has not taken, in bytes.
  private static let mostPending = 1 << 20

  /// - Parameter socket: connected to the guest's console.sock.
  init(
    _ socket: SharedDescriptor, _ attachment: ConsoleAttachment, on loop: EventLoop,
    receive: @escaping (ConsoleMessage, _ id: UInt32) -> Void, ended: @escaping () -> Void
  ) throws(SystemCallError) {
    self.socket = socket
    self.loop = loop
    self.receive = receive
    self.ended = ended
    // A number of its own, so that reading and writing can be waited for apart.
    let writing = ByteSink(SharedDescriptor(try .duplicate(of: socket.number)))
    writer = StreamWriter(to: writing, limit: Self.mostPending, loop: loop)
    try loop.add(socket.number, .readable) { [unowned self] _ in read() }
    send(.attach(attachment))
  }

  deinit { close() }

  func send(_ message: ViewerMessage, id: UInt32 = 0) { writer.write(message.frame(id: id).bytes) }

  /// Bytes that are typed on the console as frames, none longer than a frame may be.
  static func input(_ bytes: [UInt8]) -> [UInt8] {
    stride(from: 0, to: bytes.count, by: Frame.mostBytes).flatMap { start in
      ViewerMessage.input(Array(bytes[start..<min(start + Frame.mostBytes, bytes.count)])).frame().bytes
    }
  }

  /// Whether what the VMM says is read, or left to wait there.
  func setReading(_ isWanted: Bool) {
    guard isWanted != isReading else { return }
    isReading = isWanted
    loop.change(socket.number, to: isWanted ? .readable : [])
  }

  /// Whether there is something that has not been read.
  var hasInput: Bool { linux_poll_readable(socket.number, 0) > 0 }

  private func read() {
    do throws(SystemCallError) {
      let bytes = try socket.descriptor.read(atMost: 64 << 10)
      guard !bytes.isEmpty else { return end() }
      reader.append(bytes)
    } catch where error.errno == .again || error.errno == .interrupted {
      return
    } catch {
      return end()
    }
    do throws(FrameReader.Fault) {
      while let frame = try reader.next() {
        // What is no message of this version is none that this version needs.
        if let message = ConsoleMessage(frame) { receive(message, frame.id) }
      }
    } catch {
      if case .unknownVersion = error { receive(.reply(.refused(.otherVersion)), 0) }
      end()
    }
  }

  private func end() {
    close()
    // Who carries keys may go on with those that are not for the guest.
    writer.whenChanged()
    ended()
  }

  func close() {
    loop.remove(socket.number)
    writer.close()
  }
}
