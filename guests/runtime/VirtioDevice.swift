import Hardware

/// A virtio device behind memory-mapped registers (virtio 1.2, 4.2, version 2).
struct VirtioDevice {
  private var base: UInt = 0

  enum Register: UInt {
    case magicValue = 0x000
    case version = 0x004
    case deviceID = 0x008
    case deviceFeatures = 0x010
    case deviceFeaturesSel = 0x014
    case driverFeatures = 0x020
    case driverFeaturesSel = 0x024
    case queueSel = 0x030
    case queueNumMax = 0x034
    case queueNum = 0x038
    case queueReady = 0x044
    case queueNotify = 0x050
    case status = 0x070
    case queueDescLow = 0x080
    case queueDescHigh = 0x084
    case queueDriverLow = 0x090
    case queueDriverHigh = 0x094
    case queueDeviceLow = 0x0a0
    case queueDeviceHigh = 0x0a4
    case config = 0x100
  }

  enum Status {
    static let acknowledge: UInt32 = 1
    static let driver: UInt32 = 2
    static let driverOK: UInt32 = 4
    static let featuresOK: UInt32 = 8
    static let needsReset: UInt32 = 64
  }

  static let version1: UInt64 = 1 << 32

  /// The windows of docs/memory-map.md, which QEMU's microvm has too; it has 24 and fills them from the last.
  private static let windows = (first: 0xfeb0_0000 as UInt, count: 24, bytes: 0x200 as UInt)

  /// The `number`th device of a kind (virtio 1.2, 5), from 0; nil when there are not as many.
  init?(kind: UInt32, number: Int = 0) {
    var left = number
    for index in 0..<Self.windows.count {
      base = Self.windows.first + UInt(index) * Self.windows.bytes
      // "virt"; a version 1 device has other registers.
      guard read(.magicValue) == 0x7472_6976, read(.version) == 2, read(.deviceID) == kind else { continue }
      if left == 0 { return }
      left -= 1
    }
    return nil
  }

  func read(_ register: Register) -> UInt32 { mmio_read32(base + register.rawValue) }
  func write(_ register: Register, _ value: UInt32) { mmio_write32(base + register.rawValue, value) }

  /// A word of the device's configuration space.
  func configuration(_ offset: UInt) -> UInt32 { mmio_read32(base + Register.config.rawValue + offset) }

  func writeConfiguration(_ offset: UInt, _ value: UInt32) {
    mmio_write32(base + Register.config.rawValue + offset, value)
  }

  /// Resets the device and agrees with it on those of the `wanted` features that it offers (3.1.1, 1 to 6).
  ///
  /// - Returns: what it offers.
  func negotiate(wanting wanted: UInt64) -> UInt64 {
    let offered = beginAnew()
    expect(choose(offered & (wanted | Self.version1)), "the device refused its own features")
    return offered
  }

  /// Resets the device, and says that there is a driver (3.1.1, 1 to 3).
  ///
  /// - Returns: the features that it offers.
  func beginAnew() -> UInt64 {
    write(.status, 0)
    write(.status, Status.acknowledge | Status.driver)
    var offered: UInt64 = 0
    for half in 0..<2 as Range<UInt32> {
      write(.deviceFeaturesSel, half)
      offered |= UInt64(read(.deviceFeatures)) << (32 * UInt64(half))
    }
    return offered
  }

  /// - Returns: whether the device agrees to these features (3.1.1, 4 to 6).
  func choose(_ features: UInt64) -> Bool {
    for half in 0..<2 as Range<UInt32> {
      write(.driverFeaturesSel, half)
      write(.driverFeatures, UInt32(truncatingIfNeeded: features >> (32 * UInt64(half))))
    }
    write(.status, Status.acknowledge | Status.driver | Status.featuresOK)
    return read(.status) & Status.featuresOK != 0
  }

  /// Tells the device of a queue (4.2.3.2).
  func add(_ queue: VirtioQueue, number: UInt32) {
    write(.queueSel, number)
    expect(read(.queueNumMax) >= UInt32(VirtioQueue.size), "queue \(number) is smaller than \(VirtioQueue.size)")
    write(.queueNum, UInt32(VirtioQueue.size))
    // All of the guest's memory is below 4 GiB.
    for (low, high, part) in [
      (Register.queueDescLow, Register.queueDescHigh, queue.descriptors),
      (.queueDriverLow, .queueDriverHigh, queue.available), (.queueDeviceLow, .queueDeviceHigh, queue.used),
    ] {
      write(low, UInt32(part))
      write(high, 0)
    }
    write(.queueReady, 1)
  }

  /// The driver is ready (3.1.1, 8).
  func start() { write(.status, Status.acknowledge | Status.driver | Status.featuresOK | Status.driverOK) }

  func notify(queue: UInt32) { write(.queueNotify, queue) }
}
