import Control
import Host
import Metering

/// Who watches a guest's console, and which one of them types on it; on the I/O thread.
///
/// Nobody here can make the guest wait: who does not read is cut off when its buffer is full, and who types more than the
/// guest takes is not read from.
final class ConsoleViewers {
  private var listener: PeerListener!
  private let input: ConsoleInput
  private let meter: MeterPage
  private let history: ConsoleHistory

  /// Those who have attached.
  private var viewers: [Int: ConsoleAttachment] = [:]
  private static let most = 64
  /// How the guest ended; nil: it has not.
  private var ended: ConsoleMessage?
  private var writer: Int?
  private var lastTyped = Instant.now
  /// See ``patience``.
  private let idleNanoseconds: UInt64
  /// How long a writer may be silent and still be the one who writes, in nanoseconds: a console that somebody has left
  /// open stands in no script's way.
  package static let patience: UInt64 = 10_000_000_000

  /// The last who wrote and has a window: a script that types something has none, and changes none.
  private var windowOwner: Int?
  /// That of who writes, or wrote last; nil: there is none.
  var window: TerminalSize? {
    guard let windowOwner, let window = viewers[windowOwner]?.window, window != .unknown else { return nil }
    return TerminalSize(columns: window.columns, rows: window.rows)
  }
  /// Called when it may have changed.
  var whenWindowChanged: () -> Void = {}

  /// Input whose sender wants to know when the guest has taken it: when ``ConsoleInput/taken`` has come to the mark.
  private var waiting: [(viewer: Int, id: UInt32, mark: UInt64)] = []
  private static let mostWaiting = 1024

  /// What a viewer may leave unread beyond what the kernel holds; four times what it gets at once when it comes.
  private static let mostOutput = 256 << 10

  init(
    at socket: StreamListener, on loop: EventLoop, input: ConsoleInput, history: ConsoleHistory, meter: MeterPage,
    idleNanoseconds: UInt64 = patience
  ) throws(SystemCallError) {
    self.idleNanoseconds = idleNanoseconds
    self.input = input
    self.meter = meter
    self.history = history
    listener = try PeerListener(at: socket, on: loop, mostOutput: Self.mostOutput) { [unowned self] key in
      viewers[key] != nil
    } receive: { [unowned self] frame, key in
      receive(frame, from: key)
    } closed: { [unowned self] key in
      forget(key)
    }
    input.whenTaken { [unowned self] in inputWasTaken() }
  }

  // MARK: To the viewers

  /// Shows what the guest says.
  func show(_ bytes: [UInt8]) {
    if !viewers.isEmpty { send(bytes, to: Array(viewers.keys)) }
  }

  private func send(_ bytes: [UInt8], to keys: [Int]) {
    for start in stride(from: 0, to: bytes.count, by: Frame.mostBytes) {
      let piece = bytes[start..<min(start + Frame.mostBytes, bytes.count)]
      let frame = ConsoleMessage.output(Array(piece)).frame().bytes
      for key in keys { listener[key]?.send(frame) }
    }
  }

  private func say(_ message: ConsoleMessage, to key: Int, id: UInt32 = 0) { listener[key]?.send(message.frame(id: id)) }

  /// Tells all that the guest has ended, those too who come only now.
  func end(_ verdict: Verdict) {
    let reply = ConsoleMessage.reply(ControlReply(verdict))
    ended = reply
    for key in Array(viewers.keys) { say(reply, to: key) }
  }

  /// Whether each viewer has all that it will be told, or has gone, and nobody is about to attach.
  var isDrained: Bool {
    !listener.isAwaited && viewers.keys.allSatisfy { listener[$0].map { !$0.hasOutput } ?? true }
  }

  // MARK: From the viewers

  private func receive(_ frame: Frame, from key: Int) {
    do throws(ControlFault) {
      try obey(try ViewerMessage(frame), id: frame.id, from: key)
    } catch {
      say(.reply(.refused(error)), to: key, id: frame.id)
    }
  }

  private func obey(_ message: ViewerMessage, id: UInt32, from key: Int) throws(ControlFault) {
    if case .attach(let attachment) = message { return try attach(attachment, key, id: id) }
    guard let viewer = viewers[key] else { throw .notAllowed }
    switch message {
    case .attach: break
    case .input(let bytes):
      guard viewer.writing != .never else { throw .notAllowed }
      if id == 0, TerminalReports.areAll(of: bytes) { return report(bytes, from: key) }
      try type(bytes, id: id, from: key)
    case .window(let size):
      viewers[key]?.window = size
      if writer == key { windowOwner = key }
      if windowOwner == key { whenWindowChanged() }
    case .takeOver:
      guard viewer.writing != .never else { throw .notAllowed }
      setWriter(key)
    }
  }

  private func attach(_ attachment: ConsoleAttachment, _ key: Int, id: UInt32) throws(ControlFault) {
    guard viewers[key] == nil else { throw .notAllowed }
    guard viewers.count < Self.most else { throw .busy }
    viewers[key] = attachment
    meter.set(viewers: viewers.count)
    let takesOver = attachment.writing == .takesOver
    say(.attached(isWritten: isWritten && !takesOver), to: key, id: id)
    if takesOver { setWriter(key) }
    send(history.replay(Int(attachment.replayBytes)), to: [key])
    if let ended { say(ended, to: key) }
  }

  /// Whether somebody writes, and has not left off. What the guest has not taken is still being written.
  private var isWritten: Bool {
    writer != nil && (Instant.now.nanoseconds(since: lastTyped) < idleNanoseconds || !input.hasRoom)
  }

  private func setWriter(_ key: Int) {
    lastTyped = .now
    if writer == key { return }
    if let writer { say(.notice(.takenOver), to: writer) }
    writer = key
    say(.notice(.youWrite), to: key)
    guard viewers[key]?.window != .unknown else { return }
    windowOwner = key
    whenWindowChanged()
  }

  private func type(_ bytes: [UInt8], id: UInt32, from key: Int) throws(ControlFault) {
    if writer != key, !isWritten {
      // Who has left off is told when it types again, if another writes by then.
      writer = nil
      setWriter(key)
    }
    guard writer == key else {
      if id != 0 { throw .notAllowed }
      return say(.notice(.othersWrite), to: key)
    }
    lastTyped = .now
    if id != 0 {
      guard waiting.count < Self.mostWaiting else { throw .busy }
      waiting.append((key, id, input.offered + UInt64(bytes.count)))
    }
    offer(bytes, from: key)
  }

  /// What a viewer's terminal has to say, while nobody need be there: it makes nobody the writer.
  private func report(_ bytes: [UInt8], from key: Int) {
    if answerer ?? key == key { offer(bytes, from: key) }
  }

  /// Whose terminal speaks to the guest: the writer's, or while nobody writes the one that the guest draws for.
  private var answerer: Int? {
    writer ?? windowOwner ?? viewers.filter { $0.value.writing != .never && $0.value.window != .unknown }.keys.min()
  }

  private func offer(_ bytes: [UInt8], from key: Int) {
    input.offer(bytes)
    if !input.hasRoom { listener[key]?.pause() }
  }

  private func inputWasTaken() {
    for (viewer, id, mark) in waiting where mark <= input.taken { say(.reply(.done), to: viewer, id: id) }
    waiting.removeAll { $0.mark <= input.taken }
    guard input.hasRoom else { return }
    for key in Array(viewers.keys) { listener[key]?.resume() }
  }

  private func forget(_ key: Int) {
    guard viewers.removeValue(forKey: key) != nil else { return }
    meter.set(viewers: viewers.count)
    waiting.removeAll { $0.viewer == key }
    if windowOwner == key {
      windowOwner = nil
      whenWindowChanged()
    }
    if writer == key {
      writer = nil
      for (other, viewer) in viewers where viewer.writing != .never { say(.notice(.nobodyWrites), to: other) }
    }
  }
}
