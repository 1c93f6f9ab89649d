import GuestMemory
import Host

extension Features {
  /// VIRTIO_CONSOLE_F_… (virtio 1.2, 5.3.3).
  package static let consoleSize = Features(bit: 0)
  package static let consoleEmergencyWrite = Features(bit: 2)
}

/// The console device (virtio 1.2, 5.3) with one port: bytes between a guest and a ``ConsoleLine``.
package final class Console: VirtioDevice {
  package let kind = DeviceKind.console
  package let features: Features = [.consoleSize, .consoleEmergencyWrite]
  package let queueSizes: [UInt16] = [64, 64]
  private static let receiveQueue = 0
  private static let transmitQueue = 1

  /// The most that goes through at once, in bytes: a driver may offer gigabytes in one buffer, and shall not keep the
  /// I/O thread busy.
  package static let mostBytes = 4096

  /// Linux gives the device its buffers, prints its log, and only then connects the console: what arrives before is
  /// thrown away, and nothing tells when that is over. So nothing is typed until a new driver has said nothing for so
  /// long, in nanoseconds, or for so many times as long has been there.
  package static let usualSettlingTime: UInt64 = 250_000_000
  private static let mostSettlingTimes: UInt64 = 40

  private let line: ConsoleLine
  private let settlingTime: UInt64
  private var work: Work?
  private var bytes = [UInt8](repeating: 0, count: mostBytes)
  private let retry = DeviceTimer()
  private let settling = DeviceTimer()
  /// As the driver finds it.
  private var size: TerminalSize

  private struct Work {
    let features: Features
    let queues: [Virtqueue]
    /// The driver's next buffer for what is typed.
    var receiving: DescriptorChain
    var hasBuffer = false
    /// Until when nothing is typed at the latest; nil: it is.
    var settlingEnd: Instant?
    /// What the driver sends, and how much of it the peer has.
    var sending: DescriptorChain
    var sent: UInt64?
  }

  /// - Parameter settlingTime: in nanoseconds; 0: what is typed goes to the driver at once.
  package init(_ line: ConsoleLine, settlingTime: UInt64 = usualSettlingTime) {
    self.line = line
    self.settlingTime = settlingTime
    size = line.size
  }

  /// le16 cols, le16 rows, le32 max_nr_ports, le32 emerg_wr.
  package var configuration: [UInt8] {
    // A driver at work is told of each change.
    if work == nil { size = line.size }
    var bytes: [UInt8] = []
    bytes.append(little: size.columns)
    bytes.append(little: size.rows)
    bytes.append(little: 1 as UInt32)
    bytes.append(little: 0 as UInt32)
    return bytes
  }

  /// A byte in emerg_wr is said at once, on the vCPU's thread; if there is no room it is lost (5.3.4, 5.3.5).
  package func writeConfiguration(offset: UInt64, size: Int, value: UInt64) {
    if offset == 8 { line.peer.transmitAtOnce(UInt8(truncatingIfNeeded: value)) }
  }

  package func takeConfigurationChange() -> Bool {
    guard let work else { return false }
    let old = size
    size = line.size
    return size != old && work.features.contains(.consoleSize)
  }

  package func activate(_ activation: Activation) {
    let chain = DescriptorChain(in: activation.memory)
    let end = Instant.now.advanced(byNanoseconds: Self.mostSettlingTimes * settlingTime)
    work = Work(
      features: activation.features, queues: activation.queues, receiving: chain,
      settlingEnd: settlingTime > 0 ? end : nil, sending: chain)
    settle()
  }

  private func settle() {
    guard let end = work?.settlingEnd else { return }
    settling.arm(at: min(end, .now.advanced(byNanoseconds: settlingTime)))
    // A host that has no timer left.
    if !settling.isArmed { work?.settlingEnd = nil }
  }

  package func reset() {
    work = nil
    line.close()
    retry.disarm()
    settling.disarm()
  }

  package func queueReset(_ index: Int) {
    if index == Self.transmitQueue {
      work?.sent = nil
    } else {
      work?.hasBuffer = false
      line.close()
    }
  }

  package func queueNotified(_ index: Int) throws(VirtioFault) -> Bool {
    if index == Self.receiveQueue { return try deliver() }
    settle()
    return try transmit()
  }

  /// The line, and the timers.
  package var sources: [Int32] { [line.attention.number, retry.number, settling.number] }

  package func wantedEvents(_ source: Int) -> EventLoop.Events {
    let isWanted = source == 0 || source == 1 && retry.isArmed || source == 2 && settling.isArmed
    return isWanted ? .readable : []
  }

  package func sourceReady(_ source: Int, _ events: EventLoop.Events) throws(VirtioFault) -> Bool {
    switch source {
    case 0: line.attention.drain()
    case 1: retry.acknowledge()
    default:
      settling.acknowledge()
      work?.settlingEnd = nil
    }
    let hasMore = try transmit()
    return try deliver() || hasMore
  }

  // MARK: From the guest

  /// - Returns: whether there may be more.
  private func transmit() throws(VirtioFault) -> Bool {
    guard var work = work.take() else { return false }
    defer { self.work = work }
    let queue = work.queues[Self.transmitQueue]
    for _ in 0..<queue.size {
      if work.sent == nil {
        guard try queue.next(into: &work.sending) else { return false }
        guard work.sending.writableBytes == 0 else { throw .malformedRequest }
      }
      let done = work.sent ?? 0
      let count = Int(min(UInt64(Self.mostBytes), work.sending.readableBytes - done))
      try work.sending.read(at: done, into: &bytes, count: count)
      let taken = line.peer.transmit(bytes.span.extracting(0..<count))
      work.sent = done + UInt64(taken)
      guard taken == count else {
        // Drivers wait for their buffer to come back, Linux with interrupts off: so the peer is asked again when it
        // takes the rest in any case, if it has no room before.
        if !retry.isArmed { retry.arm(at: .now.advanced(byNanoseconds: line.peer.patience)) }
        return false
      }
      if work.sent == work.sending.readableBytes {
        work.sent = nil
        try queue.use(work.sending, written: 0)
      }
    }
    return queue.isInUse
  }

  // MARK: To the guest

  /// Puts what was typed into the driver's buffers, as far as it has some.
  ///
  /// - Returns: whether there may be more.
  private func deliver() throws(VirtioFault) -> Bool {
    guard var work = work.take() else { return false }
    defer { self.work = work }
    if work.settlingEnd != nil { return false }
    let queue = work.queues[Self.receiveQueue]
    for _ in 0..<queue.size {
      if !work.hasBuffer {
        guard try queue.next(into: &work.receiving) else {
          line.close()
          return false
        }
        guard work.receiving.readableBytes == 0 else { throw .malformedRequest }
        work.hasBuffer = true
      }
      let bytes = line.takeTyped(room: Int(min(UInt64(Self.mostBytes), work.receiving.writableBytes)))
      guard !bytes.isEmpty else { return false }
      // SAFETY: bytes have no padding.
      unsafe try work.receiving.write(bytes.span.bytes, at: 0)
      try queue.use(work.receiving, written: UInt64(bytes.count))
      work.hasBuffer = false
    }
    return queue.isInUse
  }
}
