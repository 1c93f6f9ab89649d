import Control
import Host

/// Waits at one of a guest's sockets, and keeps whoever comes: the owner's own programs only, and not too many.
///
/// Peers are known by a key that is never used again.
final class PeerListener {
  private let listener: StreamListener
  private let loop: EventLoop
  private var peers: [Int: FramedPeer] = [:]
  private var lastKey = 0
  private static let most = 64

  /// Rings while there are peers, to cut off those that have begun a frame and do not end it.
  private let sweep: TimerFD
  private static let sweepInterval: UInt64 = 1_000_000_000

  /// - Parameters:
  ///   - mostOutput: bytes that a peer may leave unread before it is cut off.
  ///   - receive: called for each frame.
  ///   - closed: called when a peer has gone.
  init(
    at listener: StreamListener, on loop: EventLoop, mostOutput: Int, receive: @escaping (Frame, _ key: Int) -> Void,
    closed: @escaping (_ key: Int) -> Void
  ) throws(SystemCallError) {
    self.listener = listener
    self.loop = loop
    sweep = try TimerFD()
    try loop.add(sweep.number, .readable) { [unowned self] _ in
      sweep.acknowledge()
      for peer in peers.values where peer.deadline.map({ $0 < .now }) ?? false { peer.close() }
      armSweep()
    }
    try loop.add(listener.number, .readable) { [unowned self] _ in
      while let connection = listener.acceptOwn() {
        // The one too many sees that the connection ends.
        guard peers.count < Self.most else { continue }
        lastKey += 1
        let key = lastKey
        peers[key] = try? FramedPeer(connection, on: loop, mostOutput: mostOutput) { receive($0, key) } closed: {
          [unowned self] in
          peers[key] = nil
          closed(key)
        }
        armSweep()
      }
    }
  }

  deinit {
    loop.remove(listener.number)
    loop.remove(sweep.number)
  }

  subscript(key: Int) -> FramedPeer? { peers[key] }

  private func armSweep() {
    if !peers.isEmpty { sweep.arm(at: .now.advanced(byNanoseconds: Self.sweepInterval)) }
  }
}
