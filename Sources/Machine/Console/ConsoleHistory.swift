import Host

/// The last that a guest has said, for those who come later, whichever way they come.
final class ConsoleHistory {
  private let storage: Mapping
  /// Where the next byte goes.
  private var end = 0
  private var count = 0

  /// What is kept unless a test says otherwise, in bytes.
  static let usualCapacity = 64 << 10

  /// - Parameter capacity: in bytes, a multiple of the page size; only pages that are used take memory.
  init(capacity: Int = usualCapacity) throws(SystemCallError) { storage = try .anonymous(capacity) }

  func append(_ bytes: [UInt8]) {
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

  /// The last `most` bytes, or all that there are, less what asks the terminal something.
  func replay(_ most: Int = .max) -> [UInt8] { TerminalQueries.removed(from: last(most)) }

  /// The last `most` bytes, or all that there are.
  func last(_ most: Int) -> [UInt8] {
    let wanted = min(most, count)
    let start = (end - wanted + storage.count) % storage.count
    // SAFETY: the storage, which is not changed while it is copied.
    let bytes = unsafe UnsafeRawBufferPointer(start: storage.base, count: storage.count)
    let first = unsafe bytes[start..<min(start + wanted, storage.count)]
    return unsafe Array(first) + Array(bytes.prefix(wanted - first.count))
  }
}
