import Glibc
import Host

/// A pseudo-terminal that was made for a guest's console; on the I/O thread.
///
/// Nobody can make the guest wait there: what the terminal does not take is kept, and of more than that the oldest goes
/// nowhere.
final class ConsoleTerminal {
  private let terminal: PseudoTerminal
  private let output: ByteSink
  private let loop: EventLoop
  /// What the terminal has not taken.
  private var rest: [UInt8] = []
  private static let mostRest = 256 << 10
  private var isWaiting = false
  /// When the terminal took something last.
  private var lastTaken = Instant.now

  init(_ terminal: PseudoTerminal, on loop: EventLoop) {
    self.terminal = terminal
    self.loop = loop
    output = ByteSink(terminal.controlling)
  }

  deinit { if isWaiting { loop.remove(output.number) } }

  /// Shows what the guest says.
  func show(_ bytes: [UInt8]) {
    rest += bytes
    if !isWaiting { flush() }
    if rest.count > Self.mostRest { rest.removeFirst(rest.count - Self.mostRest) }
  }

  private func flush() {
    do throws(SystemCallError) {
      while !rest.isEmpty {
        // SAFETY: the array's own memory, for the call.
        let count = unsafe try rest.withUnsafeBufferPointer { bytes throws(SystemCallError) in
          unsafe try output.write(UnsafeRawBufferPointer(bytes))
        }
        rest.removeFirst(count)
        lastTaken = .now
      }
    } catch where error.errno == .again {
      wait()
    } catch {
      // With the terminal itself held open here there is no other error that would last.
    }
  }

  private func wait() {
    do throws(SystemCallError) {
      try loop.add(output.number, .writable) { [unowned self] _ in
        loop.remove(output.number)
        isWaiting = false
        flush()
      }
      isWaiting = true
    } catch {
      // The next output is another attempt.
    }
  }

  /// Whether the terminal has taken all, or nobody reads there.
  var isDrained: Bool { rest.isEmpty || Instant.now.nanoseconds(since: lastTaken) >= Self.patience }

  /// A reader that takes nothing for so long is none, in nanoseconds.
  private static let patience: UInt64 = 200_000_000

  /// Waits for who reads there: what has not been read when this program ends, the kernel throws away.
  func waitForReader() {
    let pause: UInt64 = 5_000_000
    var (left, idle, empty) = (Int.max, 0 as UInt64, 0)
    // What was written arrives on the other side a moment later, so nothing there must be seen twice.
    while empty < 2, idle < Self.patience {
      usleep(UInt32(pause / 1000))
      let now = terminal.unreadBytes
      empty = now == 0 ? empty + 1 : 0
      idle = now < left ? 0 : idle + pause
      left = now
    }
  }
}
