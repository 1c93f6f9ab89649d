import Control
import Host

/// Answers requests at `control.sock`, on the I/O thread.
final class ControlServer {
  private var listener: PeerListener!
  /// Who waits for an answer that is not there yet, and by which request.
  private var waiting: [(request: ControlRequest, peer: Int, id: UInt32)] = []
  /// Each may be of another peer, and a process has no more than 1,024 descriptors where nobody has raised that.
  private static let mostWaiting = 256
  private static let mostOutput = 64 << 10

  /// - Parameter answer: called for every request; nil: the answer comes by ``settle(_:_:)``.
  init(
    at socket: StreamListener, on loop: EventLoop, answer: @escaping (ControlRequest) -> ControlReply?
  ) throws(SystemCallError) {
    listener = try PeerListener(at: socket, on: loop, mostOutput: Self.mostOutput) { [unowned self] key in
      waiting.contains { $0.peer == key }
    } receive: { [unowned self] frame, key in
      if let reply = reply(to: frame, from: key, answer) { listener[key]?.send(reply.frame(id: frame.id)) }
    } closed: { [unowned self] key in
      waiting.removeAll { $0.peer == key }
    }
  }

  private func reply(
    to frame: Frame, from key: Int, _ answer: (ControlRequest) -> ControlReply?
  ) -> ControlReply? {
    do throws(ControlFault) {
      let request = try ControlRequest(frame)
      if let reply = answer(request) { return reply }
      guard waiting.count < Self.mostWaiting else { return .refused(.busy) }
      waiting.append((request, key, frame.id))
      return nil
    } catch {
      return .refused(error)
    }
  }

  /// Whether somebody has come and not asked yet.
  var isAwaited: Bool { listener.isAwaited }

  /// Answers all who wait with this request.
  func settle(_ request: ControlRequest, _ reply: ControlReply) {
    let settled = waiting.filter { $0.request == request }
    waiting.removeAll { $0.request == request }
    for (_, peer, id) in settled { listener[peer]?.send(reply.frame(id: id)) }
  }
}
