import Hardware

/// A driver for virtio network cards (virtio 1.2, 5.1): no offloads, one buffer a packet.
struct NetworkCard {
  private enum Feature {
    static let mac: UInt64 = 1 << 5
    static let status: UInt64 = 1 << 16
  }

  private static let receiveQueue: UInt32 = 0
  private static let transmitQueue: UInt32 = 1
  /// In front of each packet (5.1.6), all zeros but for the number of buffers, which is one.
  private static let headerBytes = 12
  /// What fits into Ethernet without its checksum needs 1526 (5.1.6.3.1).
  private static let bufferBytes = 2048
  /// A whole frame of the largest fits into each of these, which lie in memory from 32 MiB on.
  private static let largeBuffers = (start: 32 << 20 as UInt, bytes: 128 << 10)
  /// The largest IP packet behind Ethernet's header: more than Ethernet has, and what a card without a wire takes.
  static let mostFrameBytes = 14 + 65_535

  let address: Frame.HardwareAddress
  private let device: VirtioDevice
  private var receiving = VirtioQueue()
  private var transmitting = VirtioQueue()
  private let buffers: (start: UInt, bytes: Int)
  /// A packet is sent when the one before it has gone.
  private let outgoing = allocate(headerBytes + mostFrameBytes, alignment: 4096)

  private(set) var sent = Count()
  private(set) var received = Count()

  struct Count {
    var packets = 0
    /// Without virtio's header.
    var bytes = 0
  }

  /// - Parameter takesLargeFrames: whether those that come may be as large as those that it sends.
  init(takesLargeFrames: Bool = false) {
    buffers =
      takesLargeFrames
      ? Self.largeBuffers : (allocate(Self.bufferBytes * VirtioQueue.size, alignment: 4096), Self.bufferBytes)
    guard let device = VirtioDevice(kind: 1) else { fail("there is no network card") }
    let offered = device.negotiate(wanting: Feature.mac | Feature.status)
    expect(offered & Feature.mac != 0, "the network card has no address")
    self.device = device
    address = Frame.HardwareAddress(
      high: UInt16(truncatingIfNeeded: device.configuration(0)).byteSwapped,
      low: (device.configuration(0) >> 16 | device.configuration(4) << 16).byteSwapped)
    device.add(receiving, number: Self.receiveQueue)
    device.add(transmitting, number: Self.transmitQueue)
    for index in 0..<VirtioQueue.size {
      receiving.describe(index, buffer(index), count: buffers.bytes, isWritable: true)
      receiving.offer(index)
    }
    device.start()
    device.notify(queue: Self.receiveQueue)
  }

  private func buffer(_ index: Int) -> UInt { buffers.start + UInt(buffers.bytes * index) }

  /// Where the next frame to send is made.
  var outgoingFrame: Frame { Frame(start: outgoing + UInt(Self.headerBytes), count: Self.mostFrameBytes) }

  /// Sends `outgoingFrame`'s first `count` bytes, and waits until the device has them.
  mutating func send(_ count: Int) {
    transmitting.describe(0, outgoing, count: Self.headerBytes + count, isWritable: false)
    transmitting.offer(0)
    device.notify(queue: Self.transmitQueue)
    while transmitting.takeUsed() == nil { pause_cpu() }
    sent.packets += 1
    sent.bytes += count
  }

  /// Sends `outgoingFrame`'s first `count` bytes over and over, a queue full at once, until `frames` have gone. All
  /// descriptors are the same, so that there is little work of the driver's. Meanwhile it sinks what comes if `sinks`.
  mutating func stream(frames: Int, count: Int, sinks: Bool) {
    for index in 0..<VirtioQueue.size {
      transmitting.describe(index, outgoing, count: Self.headerBytes + count, isWritable: false)
    }
    transmitting.fillRing(count: VirtioQueue.size) { $0 }
    var left = frames
    while left > 0 {
      let batch = min(VirtioQueue.size, left)
      left -= batch
      transmitting.offerNext(batch)
      device.notify(queue: Self.transmitQueue)
      while !transmitting.takeAll() { if sinks { sinkArrived() } else { pause_cpu() } }
      sent.packets += batch
      sent.bytes += batch * count
    }
  }

  /// Takes whatever comes, and looks at none of it, until `frames` have come.
  mutating func sink(frames: Int) {
    while received.packets < frames { sinkArrived() }
  }

  private mutating func sinkArrived() {
    var hasOffered = false
    while let (index, written) = receiving.takeUsed() {
      received.packets += 1
      received.bytes += written - Self.headerBytes
      receiving.offer(index)
      hasOffered = true
    }
    if hasOffered { device.notify(queue: Self.receiveQueue) } else { pause_cpu() }
  }

  /// Hands the next frame that has come to `body`, which may send one.
  ///
  /// - Returns: whether one had come.
  mutating func receive(_ body: (inout NetworkCard, Frame) -> Void) -> Bool {
    guard let (index, written) = receiving.takeUsed() else { return false }
    expect(written > Self.headerBytes, "a packet of \(written) bytes came")
    let count = written - Self.headerBytes
    received.packets += 1
    received.bytes += count
    body(&self, Frame(start: buffer(index) + UInt(Self.headerBytes), count: count))
    receiving.offer(index)
    device.notify(queue: Self.receiveQueue)
    return true
  }
}
