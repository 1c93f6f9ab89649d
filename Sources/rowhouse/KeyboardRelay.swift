import Glibc
import Host

/// Carries what comes on standard input towards a guest; on a terminal all keys but those in ``EscapeKeys``.
final class KeyboardRelay {
  private let loop: EventLoop
  /// Nil: standard input is no terminal, and every byte of it is the guest's.
  private let terminal: TerminalKeeper?
  private var keys: EscapeKeys
  private let act: (EscapeKeys.Command) -> Void
  private let writer: StreamWriter
  private let encode: ([UInt8]) -> [UInt8]

  /// Rings while this process is in the background: a shell that brings a running job to the front tells it nothing.
  private let retry: TimerFD
  private static let retryInterval: UInt64 = 250_000_000

  private var state = State.unwatched
  private enum State { case unwatched, watched, ended }

  /// - Parameters:
  ///   - writer: towards the VMM. While it has room keys are read, so that the escape works also when the guest reads
  ///     nothing; the relay hears when it has again. A terminal's are read, too, when the writer is closed, for the
  ///     escape alone: who is there may not want to wait for the rest of the output.
  ///   - encode: makes of keys what the writer is given.
  ///   - act: called for each escape that asks for something.
  init(
    from terminal: TerminalKeeper?, keys: EscapeKeys, to writer: StreamWriter, loop: EventLoop,
    encode: @escaping ([UInt8]) -> [UInt8] = { $0 }, act: @escaping (EscapeKeys.Command) -> Void
  ) throws(SystemCallError) {
    retry = try TimerFD()
    self.terminal = terminal
    self.keys = keys
    self.writer = writer
    self.loop = loop
    self.encode = encode
    self.act = act
    try loop.add(retry.number, .readable) { [unowned self] _ in
      retry.acknowledge()
      resume()
    }
    writer.whenChanged = { [unowned self] in updateReading() }
  }

  var help: [String] { keys.help }

  /// Takes the terminal, if this process may, and reads from it from now on.
  func resume() {
    terminal?.take()
    updateReading()
    if terminal?.isTaken == false, state != .ended {
      retry.arm(at: .now.advanced(byNanoseconds: Self.retryInterval))
    }
  }

  /// Gives the terminal back, and leaves what is typed to whoever has it then.
  func pause() {
    retry.disarm()
    terminal?.giveBack()
    stopReading()
  }

  private func updateReading() {
    guard terminal?.isTaken != false, isWanted else { return stopReading() }
    guard state == .unwatched else { return }
    do throws(SystemCallError) {
      try loop.add(STDIN_FILENO, .readable) { [unowned self] _ in
        readInput()
        updateReading()
      }
      state = .watched
    } catch {
      // Files cannot be waited for, and need not be.
      while state == .unwatched, isWanted { readInput() }
    }
  }

  /// Whether anybody wants what comes.
  private var isWanted: Bool { writer.hasRoom || terminal != nil && writer.isClosed }

  private func stopReading() {
    guard state == .watched else { return }
    loop.remove(STDIN_FILENO)
    state = .unwatched
  }

  private func readInput() {
    var chunk = InlineArray<1024, UInt8>(repeating: 0)
    // SAFETY: the local array's own memory.
    let count = unsafe withUnsafeMutableBytes(of: &chunk) { bytes in
      unsafe read(STDIN_FILENO, bytes.baseAddress, bytes.count)
    }
    // The input is over, or the terminal is gone: the guest's line is silent from now on. (A signal's interruption
    // cannot be: all that come here are blocked.)
    guard count > 0 else { return end() }
    var bytes: [UInt8] = []
    for index in 0..<count {
      if terminal == nil {
        bytes.append(chunk[index])
      } else if let command = keys.feed(chunk[index], into: &bytes) {
        // What was typed before it goes first.
        deliver(&bytes)
        act(command)
      }
    }
    deliver(&bytes)
  }

  private func deliver(_ bytes: inout [UInt8]) {
    if !bytes.isEmpty { writer.write(encode(bytes)) }
    bytes = []
  }

  private func end() {
    stopReading()
    state = .ended
    retry.disarm()
  }
}
