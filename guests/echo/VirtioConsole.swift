import Hardware

/// A driver for virtio consoles (virtio 1.2, 5.3) with one port.
struct VirtioConsole {
  private enum Feature {
    static let size: UInt64 = 1 << 0
    static let emergencyWrite: UInt64 = 1 << 2
  }

  private static let receiveQueue: UInt32 = 0
  private static let transmitQueue: UInt32 = 1
  private static let bufferBytes = 256
  private static let emergencyWriteOffset: UInt = 8

  private let device: VirtioDevice
  private var receiving = VirtioQueue()
  private var transmitting = VirtioQueue()
  private let buffers = allocate(bufferBytes * VirtioQueue.size, alignment: 4096)

  init() {
    guard let device = VirtioDevice(kind: 3) else { fail("there is no virtio console") }
    // Needs no driver, so before there is one.
    let early: StaticString = "early\n"
    for index in 0..<early.utf8CodeUnitCount {
      device.writeConfiguration(Self.emergencyWriteOffset, UInt32(early.byte(at: index)))
    }
    let offered = device.negotiate(wanting: Feature.size)
    expect(offered & Feature.size != 0, "the console does not know its window")
    expect(offered & Feature.emergencyWrite != 0, "the console has no emergency write")
    self.device = device
    device.add(receiving, number: Self.receiveQueue)
    device.add(transmitting, number: Self.transmitQueue)
    for index in 0..<VirtioQueue.size {
      receiving.describe(index, buffer(index), count: Self.bufferBytes, isWritable: true)
      receiving.offer(index)
    }
    device.start()
    device.notify(queue: Self.receiveQueue)
  }

  private func buffer(_ index: Int) -> UInt { buffers + UInt(Self.bufferBytes * index) }

  /// In characters; zeros when the host does not know.
  var window: (columns: UInt32, rows: UInt32) {
    let size = device.configuration(0)
    return (size & 0xffff, size >> 16)
  }

  /// Hands what has been typed to `take`, which says how many of the bytes to send back, from their first on.
  ///
  /// - Returns: whether something had been.
  mutating func echo(_ take: (PhysicalText) -> Int) -> Bool {
    guard let (index, written) = receiving.takeUsed() else { return false }
    expect(written > 0 && written <= Self.bufferBytes, "\(written) bytes came")
    let count = take(PhysicalText(start: PhysicalAddress(UInt64(buffer(index))), count: written))
    transmitting.describe(0, buffer(index), count: count, isWritable: false)
    transmitting.offer(0)
    device.notify(queue: Self.transmitQueue)
    while transmitting.takeUsed() == nil { pause_cpu() }
    receiving.offer(index)
    device.notify(queue: Self.receiveQueue)
    return true
  }
}
