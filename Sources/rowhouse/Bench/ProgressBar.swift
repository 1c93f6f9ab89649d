import Glibc
import Host

/// How far a benchmark has come, on the last line of a terminal; nowhere else, so that logs stay readable.
struct ProgressBar {
  private var total: Int
  private var done = 0
  private let isShown = isatty(STDERR_FILENO) == 1
  private static let width = 30

  init(total: Int) { self.total = total }

  /// Says what is being done, and that what was before it is done.
  mutating func next(_ what: String) {
    if isShown { write("\r\u{1b}[K\(Self.text(done, of: total)) \(what)") }
    done += 1
  }

  /// Takes away what will not be done.
  mutating func leaveOut(_ count: Int) { total -= count }

  func clear() { if isShown { write("\r\u{1b}[K") } }

  /// "[######........................] 20/100"
  static func text(_ done: Int, of total: Int) -> String {
    let filled = total > 0 ? min(max(done, 0) * width / total, width) : width
    return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      + "] \(done)/\(total)"
  }

  private func write(_ text: String) { try? Descriptor.duplicate(of: STDERR_FILENO).writeAll(text) }
}
