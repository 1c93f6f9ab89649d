/// Writes to a pipe, socket or terminal whose reader may be slow, without waiting for it.
package final class StreamWriter {
  private let loop: EventLoop
  /// Nil when nothing more can be written.
  private var sink: ByteSink?
  private var unsent = UnsentBytes()
  private let limit: Int
  private var isWaiting = false

  /// When the reader took something last; before that, when it was first waited for.
  package private(set) var lastTaken = Instant.now

  /// Called when there is room again after there was none, and when the reader has gone.
  package var whenChanged: () -> Void = {}

  /// - Parameters:
  ///   - sink: one that an event loop can wait for, which nobody else waits for by the same number.
  ///   - limit: of what is kept for the reader, in bytes; see ``hasRoom``.
  package init(to sink: ByteSink, limit: Int, loop: EventLoop) {
    self.sink = sink
    self.limit = limit
    self.loop = loop
  }

  deinit { close() }

  package var isClosed: Bool { sink == nil }

  /// Why nothing more can be written; nil while it can be, and after ``close()``.
  package private(set) var failure: Errno?

  /// Whether the reader, if it is there, has all.
  package var isEmpty: Bool { unsent.isEmpty }

  /// Whether more may be given. Who cannot wait may give more all the same, once.
  package var hasRoom: Bool { !isClosed && unsent.count < limit }

  package func write(_ bytes: [UInt8]) {
    guard !isClosed else { return }
    unsent.append(bytes)
    flush()
  }

  /// Throws away the oldest of what is kept beyond the limit, for who never waits.
  ///
  /// - Returns: how many bytes that is.
  package func keepLast() -> Int { unsent.keepLast(limit) }

  /// Throws away all that the reader has not taken.
  package func letGo() { unsent = UnsentBytes() }

  private func flush() {
    guard !isWaiting, let sink else { return }
    do throws(SystemCallError) {
      if try unsent.send(to: sink) > 0 { lastTaken = .now }
      if !unsent.isEmpty { try waitToWrite(sink.number) }
    } catch {
      close()
      failure = error.errno
      whenChanged()
    }
  }

  private func waitToWrite(_ number: Int32) throws(SystemCallError) {
    try loop.add(number, .writable) { [unowned self] _ in
      loop.remove(number)
      isWaiting = false
      let hadRoom = hasRoom
      flush()
      if hasRoom != hadRoom || isEmpty { whenChanged() }
    }
    isWaiting = true
  }

  package func close() {
    if isWaiting, let sink { loop.remove(sink.number) }
    isWaiting = false
    unsent = UnsentBytes()
    sink = nil
  }
}
