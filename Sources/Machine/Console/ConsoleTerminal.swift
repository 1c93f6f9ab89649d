import Glibc
import Host

/// A pseudo-terminal that was made for a guest's console; on the I/O thread.
///
/// Nobody can make the guest wait there: what the terminal does not take is kept, and of more than that the oldest goes
/// nowhere.
final class ConsoleTerminal {
  private let terminal: PseudoTerminal
  private let writer: StreamWriter
  private static let mostUnread = 256 << 10

  init(_ terminal: PseudoTerminal, on loop: EventLoop) {
    self.terminal = terminal
    writer = StreamWriter(to: ByteSink(terminal.controlling), limit: Self.mostUnread, loop: loop)
  }

  /// Shows what the guest says.
  ///
  /// - Returns: how many bytes, of these or of what was kept before, go nowhere for it; no more than these are.
  func show(_ bytes: [UInt8]) -> Int {
    writer.write(bytes)
    return writer.keepLast()
  }

  /// Whether the terminal has taken all, or nobody reads there.
  var isDrained: Bool { writer.isEmpty || Instant.now.nanoseconds(since: writer.lastTaken) >= Self.patience }

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
