import Host

/// The last that a guest has said, for those who come later, whichever way they come, and for who looks back at one
/// that has ended.
package final class ConsoleHistory {
  private let storage: Mapping
  /// Where the next byte goes.
  private var end = 0
  private var count = 0

  /// What is shown at most unless a test says otherwise, in bytes.
  package static let usualCapacity = 64 << 10
  /// What is kept besides: where the oldest byte that is shown stands in a sequence is told by those before it.
  private static let lookBack = 4096

  /// - Parameter capacity: in bytes, a multiple of the page size; only pages that are used take memory.
  package init(capacity: Int = usualCapacity) throws(SystemCallError) {
    storage = try .anonymous(capacity + Self.lookBack)
  }

  package func append(_ bytes: [UInt8]) {
    let kept = bytes.suffix(storage.count)
    let first = kept.prefix(storage.count - end)
    copy(first, to: end)
    copy(kept.dropFirst(first.count), to: 0)
    end = (end + kept.count) % storage.count
    count = min(count + kept.count, storage.count)
  }

  private func copy(_ bytes: ArraySlice<UInt8>, to offset: Int) {
    precondition(offset + bytes.count <= storage.count)
    // SAFETY: the range lies inside the storage, as just checked.
    let place = unsafe UnsafeMutableRawBufferPointer(start: storage.base + offset, count: bytes.count)
    unsafe place.copyBytes(from: bytes)
  }

  /// The last `most` bytes, or all that there are, less what asks the terminal something and what it would take for
  /// text: the rest of a character or of a sequence that began before.
  package func replay(_ most: Int = .max) -> [UInt8] {
    let shown = min(most, storage.count - Self.lookBack)
    let bytes = kept(shown + Self.lookBack)
    return TerminalQueries.removed(from: bytes[Self.start(of: bytes, from: max(0, bytes.count - shown))...])
  }

  /// Where a terminal can begin to read, from `cut` on.
  private static func start(of bytes: [UInt8], from cut: Int) -> Int {
    if let escape = bytes[..<cut].lastIndex(of: ControlSequence.escape) {
      // One that has not ended takes all the rest.
      let sequence = ControlSequence(atStartOf: bytes[escape...])
      let end = sequence.map { escape + $0.count } ?? bytes.count
      if end > cut { return end }
    }
    // UTF-8's bytes that continue a character, of which it has three at most (RFC 3629, section 3).
    return cut + (cut == 0 ? [] : bytes[cut...].prefix(3).prefix { $0 & 0xc0 == 0x80 }).count
  }

  /// The last `most` bytes of what is kept.
  private func kept(_ most: Int) -> [UInt8] {
    let wanted = min(most, count)
    let start = (end - wanted + storage.count) % storage.count
    // SAFETY: the storage, which is not changed while it is copied.
    let bytes = unsafe UnsafeRawBufferPointer(start: storage.base, count: storage.count)
    let first = unsafe bytes[start..<min(start + wanted, storage.count)]
    return unsafe Array(first) + Array(bytes.prefix(wanted - first.count))
  }
}
