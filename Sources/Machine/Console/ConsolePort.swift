import Host

/// A guest's console at a TCP port, for tools that know nothing of guests: bytes as they are, in both directions; on
/// the I/O thread.
///
/// Whoever connects gets what was said last, then all that is said, and types beside the others. Nobody here can make
/// the guest wait: who does not read is cut off, and who types more than the guest takes is not read from.
final class ConsolePort {
  private var entrance: Entrance?
  private let loop: EventLoop
  private let input: ConsoleInput
  private let history: ConsoleHistory

  private var peers: [Int: Peer] = [:]
  private var lastKey = 0
  /// Those who have said that they type no more, the first first. Who has only closed that half still reads; who has
  /// gone looks the same until it is sent something (tcp(7)), so these make way for others.
  private var silent: [Int] = []
  private static let most = 16

  /// What one may leave unread beyond what the kernel holds.
  private static let mostOutput = 256 << 10

  init(
    at listener: TCPListener, on loop: EventLoop, input: ConsoleInput, history: ConsoleHistory
  ) throws(SystemCallError) {
    self.loop = loop
    self.input = input
    self.history = history
    input.whenTaken { [unowned self] in resume() }
    entrance = try Entrance(at: listener.number, on: loop) { [unowned self] () throws(SystemCallError) in
      while let connection = try listener.accept() { welcome(connection) }
    }
  }

  /// Shows what the guest says.
  func show(_ bytes: [UInt8]) {
    for peer in Array(peers.values) { peer.send(bytes) }
  }

  /// Whether each has all that was said, or has gone.
  var isDrained: Bool { peers.values.allSatisfy { !$0.hasOutput } }

  private func welcome(_ connection: consuming Descriptor) {
    if peers.count >= Self.most, let key = silent.first { peers[key]?.close() }
    // The one too many sees that the connection ends.
    guard peers.count < Self.most else { return }
    lastKey += 1
    let key = lastKey
    peers[key] = try? Peer(connection, on: loop, mostOutput: Self.mostOutput) { [unowned self] bytes in
      type(bytes, from: key)
    } inputEnded: { [unowned self] in
      silent.append(key)
    } closed: { [unowned self] in
      peers[key] = nil
      silent.removeAll { $0 == key }
    }
    peers[key]?.send(history.replay())
  }

  private func type(_ bytes: [UInt8], from key: Int) {
    input.offer(bytes)
    if !input.hasRoom { peers[key]?.isPaused = true }
  }

  private func resume() {
    guard input.hasRoom else { return }
    for peer in peers.values where peer.isPaused { peer.isPaused = false }
  }
}
