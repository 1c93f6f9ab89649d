import Glibc
import Host

/// Carries what a person types from the terminal to the VMM's standard input, but for the keys in ``EscapeKeys``.
final class KeyboardRelay {
  private let loop: EventLoop
  private let terminal: TerminalKeeper
  private let act: (EscapeKeys.Command) -> Void
  private var keys = EscapeKeys()

  /// The VMM's input; nil when there will be no more.
  private var guest: SharedDescriptor?
  /// What the VMM has not taken yet. While there is less of it than the limit, keys are read, so that the escape works
  /// also when the guest reads nothing.
  private var pending: [UInt8] = []
  private static let pendingLimit = 1 << 20

  /// Rings while this process is in the background: a shell that brings a running job to the front tells it nothing.
  private let retry: TimerFD
  private static let retryInterval: UInt64 = 250_000_000

  private var isReading = false
  private var isWaitingToWrite = false

  /// - Parameters:
  ///   - guest: the end of a pipe, non-blocking.
  ///   - act: called for each escape that asks for something.
  init(
    from terminal: TerminalKeeper, to guest: SharedDescriptor, loop: EventLoop,
    act: @escaping (EscapeKeys.Command) -> Void
  ) throws(SystemCallError) {
    retry = try TimerFD()
    self.terminal = terminal
    self.guest = guest
    self.loop = loop
    self.act = act
    try loop.add(retry.number, .readable) { [unowned self] _ in
      retry.acknowledge()
      resume()
    }
  }

  /// Takes the terminal, if this process may, and reads from it from now on.
  func resume() {
    terminal.take()
    updateReading()
    if !terminal.isTaken, guest != nil { retry.arm(at: .now.advanced(byNanoseconds: Self.retryInterval)) }
  }

  /// Gives the terminal back, and leaves what is typed to whoever has it then.
  func pause() {
    retry.disarm()
    terminal.giveBack()
    updateReading()
  }

  private func updateReading() {
    let wanted = terminal.isTaken && guest != nil && pending.count < Self.pendingLimit
    guard wanted != isReading else { return }
    isReading = wanted
    if wanted {
      do throws(SystemCallError) {
        try loop.add(STDIN_FILENO, .readable) { [unowned self] _ in readKeys() }
      } catch {
        isReading = false
      }
    } else {
      loop.remove(STDIN_FILENO)
    }
  }

  private func readKeys() {
    var chunk = InlineArray<1024, UInt8>(repeating: 0)
    // SAFETY: the local array's own memory.
    let count = unsafe withUnsafeMutableBytes(of: &chunk) { bytes in
      unsafe read(STDIN_FILENO, bytes.baseAddress, bytes.count)
    }
    // The terminal is gone: the guest's line is silent from now on. (A signal's interruption cannot be: all that come
    // here are blocked.)
    guard count > 0 else { return close() }
    for index in 0..<count {
      if let command = keys.feed(chunk[index], into: &pending) { act(command) }
    }
    write()
    updateReading()
  }

  private func write() {
    guard !isWaitingToWrite, let guest else { return }
    do throws(SystemCallError) {
      while !pending.isEmpty {
        // SAFETY: the array's own memory, for the call.
        let count = unsafe try pending.withUnsafeBufferPointer { bytes throws(SystemCallError) in
          unsafe try guest.descriptor.write(UnsafeRawBufferPointer(bytes))
        }
        pending.removeFirst(count)
      }
    } catch where error.errno == .again {
      waitToWrite(guest.number)
    } catch {
      // The VMM has gone; SIGCHLD says so too.
      close()
    }
  }

  private func waitToWrite(_ number: Int32) {
    do throws(SystemCallError) {
      try loop.add(number, .writable) { [unowned self] _ in
        loop.remove(number)
        isWaitingToWrite = false
        write()
        updateReading()
      }
      isWaitingToWrite = true
    } catch {
      close()
    }
  }

  private func close() {
    if isWaitingToWrite, let guest { loop.remove(guest.number) }
    isWaitingToWrite = false
    pending = []
    guest = nil
    updateReading()
  }
}
