import Host
import Metering

/// The block device (virtio 1.2, 5.2): its features and registers. What happens to requests is in ``BlockSession``.
package final class Block: VirtioDevice {
  package let kind = DeviceKind.block
  package let queueSizes: [UInt16] = [queueSize]
  static let queueSize: UInt16 = 256
  /// The most that one discard or write-zeroes request may name, 16 MiB: the I/O thread does one of these in one piece,
  /// and in the worst case writes as many zeros.
  package static let mostSectorsAtOnce: UInt64 = 1 << 15
  /// Besides the data, a chain has a header and a status.
  static let mostSegments = UInt32(queueSize) - 2
  /// The most bytes in one of a request's buffers, and so in all of them: what one request may keep the I/O thread
  /// busy with, or a reset waiting for. Linux asks for 1.25 MiB, unless somebody tells it otherwise.
  static let mostSegmentBytes: UInt32 = 1 << 20
  static let mostRequestBytes = UInt64(mostSegments) * UInt64(mostSegmentBytes)

  private let executor: any BlockExecutor
  private let layout: BlockConfiguration
  private let meter: DiskMeter?
  private let limiter: RateLimiter?
  private let refill = DeviceTimer()
  /// Every write is durable before it is answered.
  private var isWriteThrough = false
  /// The driver has the field `writeback` (5.2.5).
  private var mayChangeCache = false
  private var session: BlockSession?

  /// - Parameters:
  ///   - hasCache: whether writes may wait for a flush; without, the driver is shown a disk that has none, and every
  ///     write is durable.
  ///   - meter: where requests are counted.
  ///   - limiter: what may go through the disk.
  package init(
    _ executor: any BlockExecutor, hasCache: Bool = true, meter: DiskMeter? = nil, limiter: RateLimiter? = nil
  ) {
    self.limiter = limiter
    self.executor = executor
    self.meter = meter
    layout = BlockConfiguration(of: executor.backend, hasCache: hasCache)
  }

  package var features: Features { layout.features }
  package var configuration: [UInt8] { layout.bytes(isWriteBack: !isWriteThrough) }

  /// `writeback` is the one field that a driver may write (5.2.5).
  package func writeConfiguration(offset: UInt64, size: Int, value: UInt64) {
    guard offset == BlockConfiguration.writebackOffset, size == 1, mayChangeCache else { return }
    isWriteThrough = value & 1 == 0
    session?.rules.isWriteThrough = isWriteThrough
  }

  /// A driver that cannot flush believes every write that was answered to be durable (5.2.5.2, 5.2.6.2).
  package func settle(_ features: Features) {
    isWriteThrough = !features.contains(.blockFlush)
    mayChangeCache = features.contains(.blockConfigWCE)
  }

  package func activate(_ activation: Activation) {
    let disk = executor.backend
    let rules = BlockRequest.Rules(
      capacity: disk.byteCount, isReadOnly: disk.isReadOnly, isWriteThrough: isWriteThrough)
    session = BlockSession(activation, executor, rules, meter, limiter)
  }

  package func reset() {
    session?.drain()
    session = nil
    refill.disarm()
    (isWriteThrough, mayChangeCache) = (false, false)
  }

  /// A guest that was stopped had no time to flush; what it wrote is not lost for that. A failure has been reported.
  package func powerOff() {
    if !executor.backend.isReadOnly { try? executor.backend.flush() }
  }

  package func queueReset(_ index: Int) {
    session?.drain()
  }

  package func queueNotified(_ index: Int) throws(VirtioFault) -> Bool {
    defer { armRefill() }
    return try session?.takeRequests() ?? false
  }

  /// The executor's, and the refill timer last.
  package var sources: [Int32] { (executor.finishedSource.map { [$0] } ?? []) + [refill.number] }
  private var refillSource: Int { executor.finishedSource == nil ? 0 : 1 }
  package func wantedEvents(_ source: Int) -> EventLoop.Events {
    source < refillSource || refill.number >= 0 ? .readable : []
  }

  package func sourceReady(_ source: Int, _ events: EventLoop.Events) throws(VirtioFault) -> Bool {
    guard source < refillSource else {
      refill.acknowledge()
      return try queueNotified(0)
    }
    return try session?.answerFinished() ?? false
  }

  private func armRefill() {
    if let instant = session?.wakeAt { refill.arm(at: instant) }
  }
}
