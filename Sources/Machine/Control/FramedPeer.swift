import Control
import Host

/// A ``Peer`` that speaks in frames.
final class FramedPeer {
  private var peer: Peer!
  private var reader = FrameReader()
  private let receive: (Frame) -> Void

  let arrival = Instant.now
  /// When the last frame came; nil: there was none.
  private var lastFrame: Instant?
  var hasSpoken: Bool { lastFrame != nil }
  /// When it last spoke, or else came.
  var lastSign: Instant { lastFrame ?? arrival }
  /// When the frame that has begun to come must be whole.
  private(set) var deadline: Instant?
  private static let frameTime: UInt64 = 5_000_000_000

  /// For the parameters see ``Peer``.
  init(
    _ socket: consuming Descriptor, on loop: EventLoop, mostOutput: Int, receive: @escaping (Frame) -> Void,
    closed: @escaping () -> Void
  ) throws(SystemCallError) {
    self.receive = receive
    peer = try Peer(socket, on: loop, mostOutput: mostOutput) { [unowned self] bytes in
      reader.append(bytes)
      takeFrames()
    } closed: {
      closed()
    }
  }

  func send(_ frame: Frame) { peer.send(frame.bytes) }

  /// Sends what is a frame already.
  func send(_ frameBytes: [UInt8]) { peer.send(frameBytes) }

  func close() { peer.close() }

  var hasOutput: Bool { peer.hasOutput }

  /// Leaves what the other side sends for later.
  func pause() { peer.isPaused = true }

  func resume() {
    guard peer.isPaused else { return }
    peer.isPaused = false
    takeFrames()
  }

  private func takeFrames() {
    do throws(FrameReader.Fault) {
      while !peer.isClosed, !peer.isPaused, let frame = try reader.next() {
        lastFrame = .now
        receive(frame)
      }
    } catch {
      if case .unknownVersion = error { send(ControlReply.refused(.otherVersion).frame(id: 0)) }
      return peer.close()
    }
    // One that waits for this side is in no hurry.
    let isLate = reader.isInsideFrame && !peer.isPaused
    deadline = isLate ? deadline ?? .now.advanced(byNanoseconds: Self.frameTime) : nil
  }
}
