import Host

/// A connected socket on the I/O thread. Whatever the other side sends or leaves unread, it costs this side no more
/// than a buffer, and in the end the connection.
final class Peer {
  private let socket: SharedDescriptor
  private let sink: ByteSink
  private let loop: EventLoop
  private var output = UnsentBytes()
  private let mostOutput: Int

  private let receive: ([UInt8]) -> Void
  private let inputEnded: (() -> Void)?
  private let closed: () -> Void
  private(set) var isClosed = false
  /// Whether the other side has said that it sends no more.
  private var hasInputEnded = false
  /// What the socket is waited for.
  private var events: EventLoop.Events = .readable

  /// Whether what the other side sends is left in the socket for now.
  var isPaused = false {
    didSet { if isPaused != oldValue, !isClosed { updateEvents() } }
  }

  /// - Parameters:
  ///   - mostOutput: bytes that the other side may leave unread, beyond what the kernel holds, before it is cut off.
  ///   - receive: gets what has come, as it was cut.
  ///   - inputEnded: called when the other side sends no more, and the connection stays for what it is sent; nil: that
  ///     ends the connection.
  ///   - closed: called once, whoever ended the connection; never from within ``init``.
  init(
    _ socket: consuming Descriptor, on loop: EventLoop, mostOutput: Int, receive: @escaping ([UInt8]) -> Void,
    inputEnded: (() -> Void)? = nil, closed: @escaping () -> Void
  ) throws(SystemCallError) {
    self.socket = SharedDescriptor(socket)
    sink = ByteSink(socket: self.socket)
    self.loop = loop
    self.mostOutput = mostOutput
    self.receive = receive
    self.inputEnded = inputEnded
    self.closed = closed
    try loop.add(self.socket.number, events) { [unowned self] in ready($0) }
  }

  deinit { if !isClosed { loop.remove(socket.number) } }

  /// Whether there is something that the other side has not taken.
  var hasOutput: Bool { !isClosed && !output.isEmpty }

  func send(_ bytes: [UInt8]) {
    guard !isClosed else { return }
    let waitsForRoom = !output.isEmpty
    output.append(bytes)
    if !waitsForRoom { flush() }
    if output.count > mostOutput { close() }
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    loop.remove(socket.number)
    closed()
  }

  private func updateEvents() {
    let reading: EventLoop.Events = isPaused || hasInputEnded ? [] : .readable
    let wanted = output.isEmpty ? reading : reading.union(.writable)
    guard wanted != events else { return }
    events = wanted
    loop.change(socket.number, to: wanted)
  }

  private func ready(_ events: EventLoop.Events) {
    if events.contains(.writable) { flush() }
    guard !isClosed else { return }
    if isPaused || hasInputEnded {
      // Reported also to who does not wait for it. What was sent before and could not be taken is lost.
      if !events.isDisjoint(with: [.hangUp, .error]) { close() }
    } else if !events.isDisjoint(with: [.readable, .hangUp, .error]) {
      read()
    }
  }

  private func read() {
    do throws(SystemCallError) {
      let bytes = try socket.descriptor.read(atMost: 4096)
      if bytes.isEmpty { endInput() } else { receive(bytes) }
    } catch where error.errno == .again || error.errno == .interrupted {
      // It will be ready again.
    } catch {
      close()
    }
  }

  private func endInput() {
    guard let inputEnded else { return close() }
    hasInputEnded = true
    updateEvents()
    inputEnded()
  }

  private func flush() {
    do throws(SystemCallError) { _ = try output.send(to: sink) } catch { return close() }
    updateEvents()
  }
}
