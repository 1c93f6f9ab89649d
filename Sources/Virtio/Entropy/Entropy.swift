import GuestMemory
import Host

/// The entropy device (virtio 1.2, 5.4): fills buffers with the host's random numbers.
package final class Entropy: VirtioDevice {
  package let kind = DeviceKind.entropy
  package let features = Features()
  package let queueSizes: [UInt16] = [64]

  /// The most that one request gets: a device may give less than it was asked for (5.4.6.2), and a driver that asks for
  /// gigabytes shall not keep the I/O thread busy.
  package static let mostBytes = 4096

  private var queue: Virtqueue?
  private var chain: DescriptorChain?
  private var bytes = [UInt8](repeating: 0, count: mostBytes)

  package init() {}

  package func activate(_ activation: Activation) {
    queue = activation.queues[0]
    chain = DescriptorChain(in: activation.memory)
  }

  package func reset() {
    queue = nil
    chain = nil
  }

  package func queueNotified(_ index: Int) throws(VirtioFault) -> Bool {
    guard let queue, var chain = chain.take() else { return false }
    defer { self.chain = chain }
    return try queue.forEachAvailable(&chain) { chain throws(VirtioFault) in
      // A driver must not put readable buffers here (5.4.6.1).
      guard chain.readableBytes == 0 else { throw .malformedRequest }
      try queue.use(chain, written: UInt64(try answer(chain)))
    }
  }

  /// - Returns: how many bytes were written; 0 when the host has none, which a driver takes for "ask again".
  private func answer(_ chain: DescriptorChain) throws(VirtioFault) -> Int {
    let count = min(Self.mostBytes, Int(chain.writableBytes))
    // SAFETY: the array has at least `count` bytes, and is only borrowed.
    let isFilled = unsafe bytes.withUnsafeMutableBytes { buffer in
      (try? unsafe Random.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))) != nil
    }
    guard isFilled else { return 0 }
    let bytes = bytes
    // SAFETY: bytes have no padding.
    unsafe try chain.write(bytes.span.bytes.extracting(0..<count), at: 0)
    return count
  }
}
