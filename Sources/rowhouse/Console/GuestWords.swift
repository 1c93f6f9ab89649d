import Glibc
import Host
import Machine

/// What a guest has said, as it is printed: byte for byte, but on a terminal without what the terminal would answer,
/// which would be typed into the person's shell, and in the end without what that would suffer from.
struct GuestWords {
  private let output: SharedDescriptor
  private var filter = Self.filter
  /// Nil: standard output is no terminal.
  private var state = isatty(STDOUT_FILENO) == 1 ? ScreenState() : nil

  init() throws(HostError) {
    output = try host { () throws(SystemCallError) in SharedDescriptor(try .duplicate(of: STDOUT_FILENO)) }
  }

  mutating func write(_ bytes: [UInt8]) throws(HostError) {
    let bytes = filter?.passed(bytes) ?? bytes
    state?.note(bytes)
    try print(bytes)
  }

  /// Has the terminal be as a shell is used to it.
  mutating func end() throws(HostError) {
    if let undoing = state?.undo(returningAtLineFeed: true) { try print(undoing) }
  }

  private func print(_ bytes: [UInt8]) throws(HostError) {
    do throws(SystemCallError) { try output.descriptor.writeAll(bytes) } catch {
      throw HostError("standard output: \(error.errno)")
    }
  }

  /// A text that is printed with others, not by ``write(_:)``.
  static func shown(_ text: String) -> String {
    guard var filter else { return text }
    return String(decoding: filter.passed(Array(text.utf8)), as: UTF8.self)
  }

  /// Nil: standard output is no terminal.
  static var filter: QueryFilter? { isatty(STDOUT_FILENO) == 1 ? QueryFilter() : nil }
}
