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
  private static let bufferBytes = 2048
  /// What fits into Ethernet without its checksum.
  static let mostFrameBytes = 1514

  let address: Frame.HardwareAddress
  private let device: VirtioDevice
  private var receiving = VirtioQueue()
  private var transmitting = VirtioQueue()
  private let buffers = allocate(bufferBytes * VirtioQueue.size, alignment: 4096)
  /// A packet is sent when the one before it has gone.
  private let outgoing = allocate(bufferBytes, alignment: 4096)

  private(set) var sent = Count()
  private(set) var received = Count()

  struct Count {
    var packets = 0
    /// Without virtio's header.
    var bytes = 0
  }

  init() {
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
      let place = buffers + UInt(Self.bufferBytes * index)
      receiving.describe(index, place, count: Self.bufferBytes, isWritable: true)
      receiving.offer(index)
    }
    device.start()
    device.notify(queue: Self.receiveQueue)
  }

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

  /// Sends `outgoingFrame`'s first `count` bytes over and over, `depth` at once, until `frames` have gone.
  mutating func stream(frames: Int, count: Int) {
    let depth = min(Self.streamDepth, frames)
    for index in 0..<depth {
      transmitting.describe(index, outgoing, count: Self.headerBytes + count, isWritable: false)
      transmitting.offer(index)
    }
    device.notify(queue: Self.transmitQueue)
    var offered = depth
    var done = 0
    while done < frames {
      var hasOffered = false
      while let (index, _) = transmitting.takeUsed() {
        done += 1
        sent.packets += 1
        sent.bytes += count
        guard offered < frames else { continue }
        transmitting.offer(index)
        offered += 1
        hasOffered = true
      }
      if hasOffered { device.notify(queue: Self.transmitQueue) } else { pause_cpu() }
    }
  }

  private static let streamDepth = 16

  /// Hands the next frame that has come to `body`, which may send one.
  ///
  /// - Returns: whether one had come.
  mutating func receive(_ body: (inout NetworkCard, Frame) -> Void) -> Bool {
    guard let (index, written) = receiving.takeUsed() else { return false }
    expect(written > Self.headerBytes, "a packet of \(written) bytes came")
    let count = written - Self.headerBytes
    received.packets += 1
    received.bytes += count
    body(&self, Frame(start: buffers + UInt(Self.bufferBytes * index + Self.headerBytes), count: count))
    receiving.offer(index)
    device.notify(queue: Self.receiveQueue)
    return true
  }
}
