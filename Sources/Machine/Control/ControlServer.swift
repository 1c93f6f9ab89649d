import Control
import Host

/// Answers requests at `control.sock`, on the I/O thread.
final class ControlServer {
  private var listener: PeerListener!
  /// Who waits for the guest's end, and by which request.
  private var waiting: [(peer: Int, id: UInt32)] = []
  /// A peer may ask for the end more than once, but what it makes this side keep has a limit.
  private static let mostWaiting = 1024
  private static let mostOutput = 64 << 10

  /// - Parameter answer: called for every request that can be answered at once, so all but ``ControlRequest/awaitEnd``.
  init(
    at socket: StreamListener, on loop: EventLoop, answer: @escaping (ControlRequest) -> ControlReply
  ) throws(SystemCallError) {
    listener = try PeerListener(at: socket, on: loop, mostOutput: Self.mostOutput) { [unowned self] frame, key in
      if let reply = reply(to: frame, from: key, answer) { listener[key]?.send(reply.frame(id: frame.id)) }
    } closed: { [unowned self] key in
      waiting.removeAll { $0.peer == key }
    }
  }

  private func reply(
    to frame: Frame, from key: Int, _ answer: (ControlRequest) -> ControlReply
  ) -> ControlReply? {
    do throws(ControlFault) {
      let request = try ControlRequest(frame)
      guard request == .awaitEnd else { return answer(request) }
      guard waiting.count < Self.mostWaiting else { return .refused(.busy) }
      waiting.append((key, frame.id))
      return nil
    } catch {
      return .refused(error)
    }
  }

  /// Tells all who wait that the guest has ended.
  func end(_ verdict: Verdict) {
    let reply = ControlReply.ended(code: verdict.code.code, value: verdict.code.value)
    for (peer, id) in waiting { listener[peer]?.send(reply.frame(id: id)) }
    waiting = []
  }
}
