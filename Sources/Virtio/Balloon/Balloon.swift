import GuestMemory
import Host

extension Features {
  /// VIRTIO_BALLOON_F_… (virtio 1.2, 5.5.3).
  static let balloonStatistics = Features(bit: 1)
  static let balloonDeflateOnOOM = Features(bit: 2)
  static let balloonReporting = Features(bit: 5)
}

/// The memory balloon (virtio 1.2, 5.5): pages that the guest gives up, or reports as free, go back to the host at
/// once.
package final class Balloon: VirtioDevice {
  package let kind = DeviceKind.balloon
  package let features: Features = [.balloonStatistics, .balloonDeflateOnOOM, .balloonReporting]
  /// Inflate, deflate, statistics, free page hints, reporting (5.5.2). Drivers differ in how they count those after a
  /// queue that was not agreed on: Linux closes the gap, the specification does not. Both find theirs here.
  package let queueSizes: [UInt16] = [128, 128, 16, 128, 128]

  private let control: BalloonControl
  private var work: Work?
  private var pages = BalloonPages()

  private struct Work {
    let features: Features
    let queues: [Virtqueue]
    let memory: GuestMemory
    var chain: DescriptorChain
    /// The driver's buffer with its last statistics, kept until new ones are wanted (5.5.6.3).
    var statisticsBuffer: DescriptorChain?
  }

  package init(_ control: BalloonControl) { self.control = control }

  /// le32 num_pages, le32 actual.
  package var configuration: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(little: control.targetPages)
    bytes.append(little: control.actualPages)
    return bytes
  }

  package func writeConfiguration(offset: UInt64, size: Int, value: UInt64) {
    if offset == 4, size == 4 { control.actualPages = UInt32(truncatingIfNeeded: value) }
  }

  package func activate(_ activation: Activation) {
    control.driverChanged(hasStatistics: activation.features.contains(.balloonStatistics))
    work = Work(
      features: activation.features, queues: activation.queues, memory: activation.memory,
      chain: DescriptorChain(in: activation.memory))
  }

  package func reset() {
    work = nil
    control.actualPages = 0
    control.driverChanged(hasStatistics: false)
  }

  package func queueReset(_ index: Int) {
    if index == 2 { work?.statisticsBuffer = nil }
  }

  package func queueNotified(_ index: Int) throws(VirtioFault) -> Bool {
    guard var work = work.take() else { return false }
    defer { self.work = work }
    let queue = work.queues[index]
    switch index {
    case 0:
      return try queue.forEachAvailable(&work.chain) { chain throws(VirtioFault) in
        try pages.parse(chain)
        try pages.forEachRange { range throws(VirtioFault) in try Self.giveBack(range, work.memory) }
        try queue.use(chain, written: 0)
      }
    case 1:
      // Pages are there again as soon as the guest touches them.
      return try queue.forEachAvailable(&work.chain) { chain throws(VirtioFault) in try queue.use(chain, written: 0) }
    case 2 where work.features.contains(.balloonStatistics):
      while try queue.next(into: &work.chain) {
        // A driver has one buffer there at most.
        guard work.statisticsBuffer == nil else { throw .malformedRequest }
        control.take(try BalloonStatistics(parsing: work.chain))
        work.statisticsBuffer = work.chain
      }
      return false
    default:
      guard work.features.contains(.balloonReporting) else { throw .malformedRequest }
      return try queue.forEachAvailable(&work.chain) { chain throws(VirtioFault) in
        // The buffers are themselves the free pages (5.5.6.7).
        guard chain.readableBytes == 0 else { throw .malformedRequest }
        for range in chain.ranges { try Self.giveBack(range, work.memory) }
        try queue.use(chain, written: 0)
      }
    }
  }

  /// A host that keeps the pages does no harm; a guest that names what it does not have is out of its mind.
  private static func giveBack(_ range: GuestRange, _ memory: GuestMemory) throws(VirtioFault) {
    do throws(GuestMemoryError) {
      try memory.discard(range)
    } catch {
      if case .host = error { return }
      throw .malformedRequest
    }
  }

  // MARK: Statistics on demand

  package var sources: [Int32] { [control.statisticsWanted.number] }
  package func wantedEvents(_ source: Int) -> EventLoop.Events { .readable }

  /// The driver answers a buffer that comes back with a new one.
  package func sourceReady(_ source: Int, _ events: EventLoop.Events) throws(VirtioFault) -> Bool {
    control.statisticsWanted.drain()
    if let buffer = work?.statisticsBuffer.take() { try work?.queues[2].use(buffer, written: 0) }
    return false
  }
}
