import Control
import Host

/// A connection that carries frames, on the I/O thread. Whatever the other side sends or leaves unread, it costs this
/// side no more than two buffers, and in the end the connection.
final class FramedPeer {
  private let socket: SharedDescriptor
  private let loop: EventLoop
  private var reader = FrameReader()
  private var output: [UInt8] = []
  private let mostOutput: Int
  /// When the frame that has begun to come must be whole.
  private(set) var deadline: Instant?
  private static let frameTime: UInt64 = 5_000_000_000

  private let receive: (Frame) -> Void
  private let closed: () -> Void
  private(set) var isClosed = false

  /// - Parameters:
  ///   - mostOutput: bytes that the other side may leave unread, beyond what the kernel holds, before it is cut off.
  ///   - closed: called once, whoever ended the connection; never from within ``init``.
  init(
    _ socket: consuming Descriptor, on loop: EventLoop, mostOutput: Int, receive: @escaping (Frame) -> Void,
    closed: @escaping () -> Void
  ) throws(SystemCallError) {
    self.socket = SharedDescriptor(socket)
    self.loop = loop
    self.mostOutput = mostOutput
    self.receive = receive
    self.closed = closed
    try loop.add(self.socket.number, .readable) { [unowned self] in ready($0) }
  }

  deinit { if !isClosed { loop.remove(socket.number) } }

  func send(_ frame: Frame) {
    guard !isClosed else { return }
    output += frame.bytes
    flush()
    if output.count > mostOutput { close() }
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    loop.remove(socket.number)
    closed()
  }

  private func updateEvents() {
    loop.change(socket.number, to: output.isEmpty ? .readable : [.readable, .writable])
  }

  private func ready(_ events: EventLoop.Events) {
    if events.contains(.writable) { flush() }
    if !isClosed, !events.isDisjoint(with: [.readable, .hangUp, .error]) { read() }
  }

  private func read() {
    var chunk = InlineArray<4096, UInt8>(repeating: 0)
    do throws(SystemCallError) {
      // SAFETY: the local array's own memory.
      let count = unsafe try withUnsafeMutableBytes(of: &chunk) { bytes throws(SystemCallError) in
        unsafe try socket.descriptor.read(into: bytes)
      }
      guard count > 0 else { return close() }
      reader.append((0..<count).lazy.map { chunk[$0] })
    } catch where error.errno == .again || error.errno == .interrupted {
      return
    } catch {
      return close()
    }
    do throws(FrameReader.Fault) {
      while !isClosed, let frame = try reader.next() { receive(frame) }
    } catch {
      return close()
    }
    deadline = reader.isInsideFrame ? deadline ?? .now.advanced(byNanoseconds: Self.frameTime) : nil
  }

  private func flush() {
    let wasEmpty = output.isEmpty
    do throws(SystemCallError) {
      while !output.isEmpty {
        // SAFETY: the array's own memory, for the call.
        let count = unsafe try output.withUnsafeBufferPointer { bytes throws(SystemCallError) in
          unsafe try socket.descriptor.sendWithoutWaiting(UnsafeRawBufferPointer(bytes))
        }
        output.removeFirst(count)
      }
    } catch where error.errno == .again || error.errno == .interrupted {
      // The rest goes when there is room.
    } catch {
      return close()
    }
    if !wasEmpty || !output.isEmpty { updateEvents() }
  }
}
