/// Bytes for a reader that may be slow, as far as it has not taken them.
package struct UnsentBytes {
  private var bytes: [UInt8] = []

  package init() {}

  package var count: Int { bytes.count }
  package var isEmpty: Bool { bytes.isEmpty }

  package mutating func append(_ more: [UInt8]) { bytes += more }

  /// Leaves out the oldest beyond so many.
  ///
  /// - Returns: how many it has left out.
  package mutating func keepLast(_ most: Int) -> Int {
    let surplus = max(0, bytes.count - most)
    bytes.removeFirst(surplus)
    return surplus
  }

  /// Hands over what the reader takes now, without waiting for it.
  ///
  /// - Returns: how many bytes it took.
  /// - Throws: when it takes no more ever.
  package mutating func send(to sink: ByteSink) throws(SystemCallError) -> Int {
    let before = bytes.count
    while !bytes.isEmpty {
      do throws(SystemCallError) {
        // SAFETY: the array's own memory, for the call.
        let count = unsafe try bytes.withUnsafeBufferPointer { bytes throws(SystemCallError) in
          unsafe try sink.write(UnsafeRawBufferPointer(bytes))
        }
        bytes.removeFirst(count)
      } catch where error.errno == .interrupted {
        continue
      } catch where error.errno == .again {
        break
      }
    }
    return before - bytes.count
  }
}

extension ByteSink {
  /// Writes for a reader who does without what it does not take at once.
  package func offer(_ bytes: [UInt8]) {
    var rest = UnsentBytes()
    rest.append(bytes)
    _ = try? rest.send(to: self)
  }
}
