import Host

/// Writes to a pipe, socket or terminal whose reader may be slow, without waiting for it.
final class StreamWriter {
  private let loop: EventLoop
  /// Nil when nothing more can be written.
  private var sink: ByteSink?
  private var pending: [UInt8] = []
  private let limit: Int
  private var isWaiting = false

  /// Called when there is room again after there was none, and when the reader has gone.
  var whenChanged: () -> Void = {}

  /// - Parameters:
  ///   - sink: one that an event loop can wait for, which nobody else waits for by the same number.
  ///   - limit: of what is kept for the reader, in bytes; see ``hasRoom``.
  init(to sink: ByteSink, limit: Int, loop: EventLoop) {
    self.sink = sink
    self.limit = limit
    self.loop = loop
  }

  var isClosed: Bool { sink == nil }

  /// Whether the reader, if it is there, has all.
  var isEmpty: Bool { pending.isEmpty }

  /// Whether more may be given. Who cannot wait may give more all the same, once.
  var hasRoom: Bool { !isClosed && pending.count < limit }

  func write(_ bytes: [UInt8]) {
    guard !isClosed else { return }
    pending += bytes
    flush()
  }

  private func flush() {
    guard !isWaiting, let sink else { return }
    do throws(SystemCallError) {
      while !pending.isEmpty {
        // SAFETY: the array's own memory, for the call.
        let count = unsafe try pending.withUnsafeBufferPointer { bytes throws(SystemCallError) in
          unsafe try sink.write(UnsafeRawBufferPointer(bytes))
        }
        pending.removeFirst(count)
      }
    } catch where error.errno == .interrupted {
      flush()
    } catch where error.errno == .again {
      waitToWrite(sink.number)
    } catch {
      close()
      whenChanged()
    }
  }

  private func waitToWrite(_ number: Int32) {
    do throws(SystemCallError) {
      try loop.add(number, .writable) { [unowned self] _ in
        loop.remove(number)
        isWaiting = false
        let hadRoom = hasRoom
        flush()
        if hasRoom != hadRoom || isEmpty { whenChanged() }
      }
      isWaiting = true
    } catch {
      close()
      whenChanged()
    }
  }

  func close() {
    if isWaiting, let sink { loop.remove(sink.number) }
    isWaiting = false
    pending = []
    sink = nil
  }
}
