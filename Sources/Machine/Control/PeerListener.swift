import Control
import Host

/// Waits at one of a guest's sockets, and keeps whoever comes: the owner's own programs only, and not too many.
///
/// Peers are known by a key that is never used again. Those that wait for something are their owner's to count and may
/// be silent for as long as it takes. All others, who come to ask and go, have ``most`` places. When these are taken,
/// one makes way for who comes: that which has been silent for longest, or where all go on asking, that which came
/// first.
final class PeerListener {
  private let listener: StreamListener
  private var entrance: Entrance?
  private let loop: EventLoop
  private var peers: [Int: FramedPeer] = [:]
  private var lastKey = 0
  private static let most = 64
  /// How long a peer may take from its coming to its first frame, and from one to the next, before it has to make way;
  /// and how long it is served in any case.
  private static let patience: UInt64 = 1_000_000_000
  private let isKept: (_ key: Int) -> Bool
  private let receive: (Frame, _ key: Int) -> Void
  private let closed: (_ key: Int) -> Void
  private let mostOutput: Int

  /// Rings while there are peers, to cut off those that have begun a frame and do not end it.
  private let sweep: TimerFD
  private static let sweepInterval: UInt64 = 1_000_000_000

  /// - Parameters:
  ///   - mostOutput: bytes that a peer may leave unread before it is cut off.
  ///   - isKept: whether a peer waits for something, and so has a reason to be silent.
  ///   - receive: called for each frame.
  ///   - closed: called when a peer has gone.
  init(
    at listener: StreamListener, on loop: EventLoop, mostOutput: Int, isKept: @escaping (_ key: Int) -> Bool,
    receive: @escaping (Frame, _ key: Int) -> Void, closed: @escaping (_ key: Int) -> Void
  ) throws(SystemCallError) {
    self.listener = listener
    self.loop = loop
    self.mostOutput = mostOutput
    self.isKept = isKept
    self.receive = receive
    self.closed = closed
    sweep = try TimerFD()
    try loop.add(sweep.number, .readable) { [unowned self] _ in
      sweep.acknowledge()
      for peer in peers.values where peer.deadline.map({ $0 < .now }) ?? false { peer.close() }
      armSweep()
    }
    entrance = try Entrance(at: listener.number, on: loop) { [unowned self] () throws(SystemCallError) in
      while let connection = try listener.acceptOwn() { admit(connection) }
    }
  }

  deinit { loop.remove(sweep.number) }

  subscript(key: Int) -> FramedPeer? { peers[key] }

  private func admit(_ connection: consuming Descriptor) {
    let hasRoom = makesRoom()
    lastKey += 1
    let key = lastKey
    let peer = try? FramedPeer(connection, on: loop, mostOutput: mostOutput) { [unowned self] frame in
      receive(frame, key)
    } closed: { [unowned self] in
      if peers.removeValue(forKey: key) != nil { closed(key) }
    }
    guard hasRoom else {
      peer?.send(ControlReply.refused(.busy).frame(id: 0))
      peer?.close()
      return
    }
    peers[key] = peer
    armSweep()
  }

  /// Whether there is a place for one more; another may have to leave for it.
  private func makesRoom() -> Bool {
    if peers.count < Self.most { return true }
    let passing = peers.filter { !isKept($0.key) }
    if passing.count < Self.most { return true }
    if let silent = passing.values.min(by: { $0.lastSign < $1.lastSign }), isOver(silent.lastSign) {
      silent.close()
    } else if let first = passing.values.min(by: { $0.arrival < $1.arrival }), isOver(first.arrival) {
      first.close()
    } else {
      return false
    }
    return true
  }

  private func isOver(_ start: Instant) -> Bool { start.advanced(byNanoseconds: Self.patience) < .now }

  /// Whether somebody has come and not said a word yet, who may have something to ask.
  var isAwaited: Bool { listener.isAwaited || peers.values.contains { !$0.hasSpoken } }

  private func armSweep() {
    if !peers.isEmpty { sweep.arm(at: .now.advanced(byNanoseconds: Self.sweepInterval)) }
  }
}
