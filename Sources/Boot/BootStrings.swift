import GuestMemory

/// Fills ``BootLayout/strings`` with zero-terminated texts, one behind the other.
struct BootStrings {
  private let memory: GuestMemory
  private var used = 0

  init(in memory: GuestMemory) { self.memory = memory }

  /// - Parameters:
  ///   - option: the option that the text came from.
  ///   - limit: what the kernel takes, in bytes without the terminating zero.
  /// - Returns: where the text is.
  mutating func add(_ text: String, from option: String, limit: Int = .max) throws(BootError) -> GuestAddress {
    let count = text.utf8.count
    let limit = max(0, min(limit, BootLayout.strings.count - used - 1))
    guard used < BootLayout.strings.count, count <= limit else {
      throw BootError(option, .commandLineTooLong(count: count, limit: limit))
    }
    try memory.place(Array(text.utf8) + [0], in: BootLayout.strings, at: used)
    defer { used += count + 1 }
    return BootLayout.strings.address(used)
  }
}
