import Control
import Glibc
import Host
import Machine

/// A script's word with a guest's console: something typed, something waited for, or first the one and then the other.
final class ConsoleDialog {
  enum End: Equatable {
    /// The guest has taken what was typed, and nothing was waited for.
    case typed
    case matched(String)
    case timedOut
    case guestEnded(Verdict)
    case refused(ControlFault)
    /// The VMM ended the connection without a word.
    case cutOff
  }

  private let loop: EventLoop
  private let timer: TimerFD
  private var connection: ConsoleConnection!
  private var isTyped = true
  private var expectation: Expectation?
  /// What has come and not been looked at: all that is there at once is looked at once.
  private var output: [UInt8] = []
  private let wake: EventFD
  /// What matched and may go on. It counts when nothing more comes, which ``silence`` tells.
  private var openMatch: String?
  private let silence: TimerFD
  private let silenceNanoseconds: UInt64
  private var end = End.cutOff

  /// The id of the last piece of input, which is answered when the guest has taken it.
  private static let lastInput: UInt32 = 1

  /// - Parameters:
  ///   - socket: connected to the guest's console.sock.
  ///   - nanoseconds: how long it may take.
  ///   - silenceNanoseconds: how long a match that may go on is left to do so.
  init(
    _ socket: SharedDescriptor, _ attachment: ConsoleAttachment, typing bytes: [UInt8]?, expecting expectation: Expectation?,
    nanoseconds: UInt64, silenceNanoseconds: UInt64 = 250_000_000
  ) throws(SystemCallError) {
    signal(SIGPIPE, SIG_IGN)
    loop = try EventLoop()
    timer = try TimerFD()
    wake = try EventFD()
    silence = try TimerFD()
    self.expectation = expectation
    self.silenceNanoseconds = silenceNanoseconds
    try loop.add(timer.number, .readable) { [unowned self] _ in giveUp(.timedOut) }
    try loop.add(silence.number, .readable) { [unowned self] _ in
      silence.acknowledge()
      // It may be this program that has been slow.
      if connection.hasInput { awaitSilence() } else { giveUp(.timedOut) }
    }
    timer.arm(at: .now.advanced(byNanoseconds: nanoseconds))
    try loop.add(wake.number, .readable) { [unowned self] _ in
      wake.drain()
      look()
    }
    connection = try ConsoleConnection(socket, attachment, on: loop) { [unowned self] message, id in
      take(message, id)
    } ended: { [unowned self] in
      look()
      giveUp(.cutOff)
    }
    guard let bytes else { return }
    isTyped = false
    let last = bytes.suffix(Frame.mostBytes)
    connection.writer.write(ConsoleConnection.input(Array(bytes.dropLast(last.count))))
    connection.send(.input(Array(last)), id: Self.lastInput)
  }

  func run() throws(SystemCallError) -> End {
    try loop.run()
    return end
  }

  private var isOver = false

  /// The first end counts.
  private func finish(_ end: End) {
    if !isOver { self.end = end }
    isOver = true
    loop.stop()
  }

  private func awaitSilence() { silence.arm(at: .now.advanced(byNanoseconds: silenceNanoseconds)) }

  /// Ends it because nothing more comes.
  private func giveUp(_ end: End) { finish(openMatch.map(End.matched) ?? end) }

  private func take(_ message: ConsoleMessage, _ id: UInt32) {
    switch message {
    case .output(let bytes):
      output += bytes
      wake.signal()
    case .reply(.done) where id == Self.lastInput:
      isTyped = true
      if expectation == nil { finish(.typed) }
    case .reply(.refused(let fault)): finish(.refused(fault))
    case .reply(.ended(let code, let value)):
      look()
      giveUp(Verdict(code: code, value: value).map(End.guestEnded) ?? .cutOff)
    case .attached, .notice, .reply: break
    }
  }

  private func look() {
    guard !output.isEmpty else { return }
    let match = expectation?.match(after: output)
    output = []
    openMatch = match?.text
    guard let match else { return silence.disarm() }
    if match.isOpen { awaitSilence() } else { finish(.matched(match.text)) }
  }
}
