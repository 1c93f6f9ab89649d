import Glibc
import Host

/// How far a benchmark has come, on the last line of a terminal; nowhere else, so that logs stay readable.
struct ProgressBar {
  private let total: Int
  private var done = 0
  private let isShown = isatty(STDERR_FILENO) == 1
  private static let width = 30

  init(total: Int) { self.total = total }

  /// Says what is being done, and that what was before it is done.
  mutating func next(_ what: String) {
    if isShown {
      let filled = total == 0 ? 0 : done * Self.width / total
      let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
      write("\r\u{1b}[K[\(bar)] \(done)/\(total) \(what)")
    }
    done += 1
  }

  func clear() { if isShown { write("\r\u{1b}[K") } }

  private func write(_ text: String) { try? Descriptor.duplicate(of: STDERR_FILENO).writeAll(text) }
}
