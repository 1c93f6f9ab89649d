import Host

/// A cable to another guest, or to a program like passt, over a stream socket (see ``FrameSocket``).
///
/// Whoever of the two comes first listens at the socket's path, and the other connects; each keeps its part. The link
/// is up while a peer is there. One that leaves, or sends what is no frame, may come back: after a pause, the listener
/// accepts the next, and the other end connects again. Whoever connects while there is a peer is turned away.
package final class SocketBackend: NetworkBackend {
  private let path: String
  private let timer: TimerFD
  /// Nil when it was the other who came first.
  private var listener: StreamListener?
  package let isListener: Bool

  private var peer: FrameSocket?
  /// No peer is looked for until the timer rings.
  private var isPausing = false
  private var pause = shortestPause
  /// The timer runs because the peer's socket is full; whether some of what waits was taken since it was started.
  private var isPatient = false
  private var hasProgressed = false
  /// The peer has taken nothing for so long that what the guest sends is thrown away, until it takes something.
  private var isStuck = false

  package let offloads = Features()

  private static let shortestPause: UInt64 = 100_000_000
  private static let longestPause: UInt64 = 1_600_000_000
  /// How long a peer may take nothing, in nanoseconds. Until then the guest waits, as for a slow line.
  private static let patience: UInt64 = 1_000_000_000

  /// Meets the peer at `path`: connects if somebody listens there, else listens.
  package init(at path: String) throws(SystemCallError) {
    self.path = path
    timer = try TimerFD()
    switch try SocketMeeting.at(path) {
    case .joined(let socket):
      isListener = false
      if let socket { peer = FrameSocket(socket) } else { startPause() }
    case .listening(let listener):
      isListener = true
      self.listener = listener
    }
  }

  package func use(_ offloads: Features) {}

  package var isLinkUp: Bool { peer != nil }

  package func close() {
    peer?.drain()
    peer = nil
    listener = nil
  }

  // MARK: Peers

  package var sources: [Int32] { [peer?.number ?? -1, timer.number] + (isListener ? [listener?.number ?? -1] : []) }

  package func wantedEvents(_ source: Int, isStarved: Bool) -> EventLoop.Events {
    switch source {
    case 0:
      guard let peer else { return [] }
      var events: EventLoop.Events = isStarved ? [] : .readable
      if peer.isFull { events.insert(.writable) }
      return events
    case 1: return .readable
    default: return isPausing || listener == nil ? [] : .readable
    }
  }

  package func sourceReady(_ source: Int, _ events: EventLoop.Events) {
    switch source {
    case 0:
      if let peer, events.contains(.writable) { becameWritable(peer) }
    case 1:
      timer.acknowledge()
      if let peer { lookAfter(peer) } else { endPause() }
    default: acceptPeer()
    }
  }

  private func acceptPeer() {
    do throws(SystemCallError) {
      if let socket = try listener?.accept(), peer == nil { welcome(socket) }
    } catch {
      // There is no descriptor for it now, and the listener stays readable. A timer that looks after a peer rings too.
      if isPatient { isPausing = true } else { startPause() }
    }
  }

  private func welcome(_ socket: consuming Host.Descriptor) {
    peer = FrameSocket(socket)
    pause = Self.shortestPause
  }

  private func lookForGone() {
    guard let peer, peer.isGone else { return }
    self.peer = nil
    (isPatient, isStuck) = (false, false)
    startPause()
  }

  private func startPause() {
    isPausing = true
    timer.arm(at: .now.advanced(byNanoseconds: pause))
  }

  private func endPause() {
    isPausing = false
    guard !isListener else { return }
    do throws(SystemCallError) {
      welcome(try .connect(to: path))
    } catch {
      pause = min(2 * pause, Self.longestPause)
      startPause()
    }
  }

  // MARK: To the peer

  package var isBlocked: Bool { peer?.isFull == true && !isStuck }

  package func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome {
    guard let peer, !isStuck else { return .dropped }
    // SAFETY: a packet has a header; the rest is the frame.
    let isTaken = unsafe peer.send(UnsafeRawBufferPointer(rebasing: packet.dropFirst(NetworkHeader.byteCount)))
    if peer.isGone {
      lookForGone()
      return .dropped
    }
    if isTaken { return .sent }
    waitForRoom(peer)
    return .notNow
  }

  package func flush() {
    if let peer, !peer.isFull { flush(peer) }
  }

  private func flush(_ peer: FrameSocket) {
    peer.flush()
    waitForRoom(peer)
    lookForGone()
  }

  private func becameWritable(_ peer: FrameSocket) {
    hasProgressed = true
    isStuck = false
    flush(peer)
  }

  private func waitForRoom(_ peer: FrameSocket) {
    guard peer.isFull, !isPatient else { return }
    isPatient = true
    hasProgressed = false
    timer.arm(at: .now.advanced(byNanoseconds: Self.patience))
  }

  private func lookAfter(_ peer: FrameSocket) {
    (isPatient, isPausing) = (false, false)
    guard peer.isFull else { return }
    if hasProgressed { waitForRoom(peer) } else { isStuck = true }
  }

  // MARK: From the peer

  /// A socket's frame has no checksum left to others, so the header is zeros.
  package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard let peer else { return nil }
    // SAFETY: the buffer has room for the largest packet.
    for index in 0..<NetworkHeader.byteCount { unsafe buffer[index] = 0 }
    let frame = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.dropFirst(NetworkHeader.byteCount))
    let count = unsafe peer.receive(into: frame)
    lookForGone()
    return count.map { NetworkHeader.byteCount + $0 }
  }
}
