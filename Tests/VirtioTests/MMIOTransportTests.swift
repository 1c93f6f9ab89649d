import GuestMemory
import Testing

@testable import Virtio

/// The registers of virtio 1.2, 4.2.2, with the entropy device behind them: the one that has least to say for itself.
@Suite("MMIO transport")
struct MMIOTransportTests {
  let driver: MockDriver
  init() throws { driver = try MockDriver(Entropy()) }

  @Test func identity() {
    #expect(driver.read(.magicValue) == 0x7472_6976)
    #expect(driver.read(.version) == 2)
    #expect(driver.read(.deviceID) == 4)
    #expect(driver.offered == .common)
    driver.write(.deviceFeaturesSel, 2)
    #expect(driver.read(.deviceFeatures) == 0)
    driver.write(.deviceFeaturesSel, .max)
    #expect(driver.read(.deviceFeatures) == 0)
  }

  @Test func thereIsNoSharedMemory() {
    driver.write(.shmSel, 0)
    for register in [.shmLenLow, .shmLenHigh, .shmBaseLow, .shmBaseHigh] as [MockDriver.Register] {
      #expect(driver.read(register) == .max)
    }
  }

  @Test func queuesThatDoNotExist() {
    driver.write(.queueSel, 0)
    #expect(driver.read(.queueNumMax) == 64)
    for queue in [1, 2, 0x8000_0000, UInt32.max] {
      driver.write(.queueSel, queue)
      #expect(driver.read(.queueNumMax) == 0)
      driver.write(.queueNum, 4)
      driver.write(.queueReady, 1)
      #expect(driver.read(.queueReady) == 0)
      driver.write(.queueNotify, queue)
    }
    #expect(driver.transport.fault == nil)
  }

  /// Drivers must use aligned 32-bit accesses (4.2.2.2); others get zeros and change nothing.
  @Test func oddAccesses() {
    for (offset, size) in [(0, 1), (0, 2), (0, 8), (1, 4), (2, 4), (0x48, 4), (0xfc, 8)] as [(UInt64, Int)] {
      #expect(driver.transport.read(offset: offset, size: size) == 0)
    }
    driver.transport.write(offset: 0x70, size: 1, value: 1)
    #expect(driver.status == [])
    #expect(driver.readConfiguration(0, as: UInt32.self) == 0, "this device has no configuration")
    driver.writeConfiguration(0, 1 as UInt32)
  }

  @Test func negotiation() {
    #expect(driver.negotiate(.common))
    #expect(driver.negotiate(.version1))
    #expect(!driver.negotiate([]), "the legacy interface is not spoken here")
    #expect(!driver.negotiate([.version1, Features(bit: 0)]), "a feature that was not offered")
    #expect(!driver.negotiate([.version1, Features(bit: 63)]))
    #expect(!driver.negotiate(.common, thirdWord: 1), "feature 64, which there is not")
    #expect(!driver.status.contains(.needsReset), "refusing is all that it takes (3.1.1)")
    #expect(driver.negotiate(.common), "and the driver may try again")
    // What was agreed stays.
    driver.write(.driverFeaturesSel, 0)
    driver.write(.driverFeatures, .max)
    driver.add(.driverOK)
    #expect(driver.status.contains([.featuresOK, .driverOK]))
  }

  @Test func noWorkWithoutNegotiation() throws {
    driver.add([.acknowledge, .driver])
    let queue = driver.addQueue(size: 4, features: .version1)
    #expect(driver.read(.queueReady) == 0)
    driver.add(.driverOK)
    #expect(!driver.status.contains(.driverOK))
    queue.offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(queue.usedIndex == 0)
  }

  @Test func notificationBeforeDriverOK() throws {
    #expect(driver.negotiate(.common))
    let queue = driver.addQueue(size: 4, features: .common)
    queue.offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(queue.usedIndex == 0, "the device must not use buffers before DRIVER_OK (3.1.1)")
    #expect(driver.takeInterrupt() == 0)
    // Then it finds them without another notification.
    driver.add(.driverOK)
    driver.pump()
    #expect(queue.usedIndex == 1)
    #expect(driver.takeInterrupt() == 1)
    #expect(driver.transport.fault == nil)
  }

  @Test func statusBitsAreOnlyAdded() {
    driver.write(.status, 1)
    driver.write(.status, 2)
    #expect(driver.status == [.acknowledge, .driver])
    driver.write(.status, 0x40 | 0x30)
    #expect(driver.status == [.acknowledge, .driver], "NEEDS_RESET is the device's, and some bits are nobody's")
    driver.write(.status, 0)
    #expect(driver.status == [])
  }

  @Test func interruptIsAcknowledged() throws {
    try driver.start()
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(driver.read(.interruptStatus) == 1)
    driver.write(.interruptACK, 2)
    #expect(driver.read(.interruptStatus) == 1)
    driver.write(.interruptACK, 1)
    #expect(driver.read(.interruptStatus) == 0)
  }

  @Test func configurationChange() throws {
    let generation = driver.read(.configGeneration)
    driver.transport.configurationChanged()
    #expect(driver.read(.configGeneration) != generation)
    #expect(driver.takeInterrupt() == 0, "there is no driver to tell")
    try driver.start()
    driver.transport.configurationChanged()
    #expect(driver.takeInterrupt() == 2)
  }

  @Test func resetStopsEverything() throws {
    try driver.start()
    let queue = driver.queues[0]
    queue.offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(queue.usedIndex == 1)
    driver.write(.status, 0)
    #expect(driver.status == [])
    #expect(driver.read(.interruptStatus) == 0)
    #expect(driver.read(.queueReady) == 0)
    queue.offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(queue.usedIndex == 1, "the queue is not touched after the reset")
    // And from the start again.
    try driver.start()
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(driver.queues[0].usedIndex == 1)
  }

  @Test func failedStopsTheDevice() throws {
    try driver.start()
    driver.add(.failed)
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(driver.queues[0].usedIndex == 0)
    #expect(!driver.status.contains(.needsReset))
  }

  /// 2.6.1 and 4.2.2.1, QueueReset.
  @Test func oneQueueIsReset() throws {
    try driver.start(.common)
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    driver.write(.queueSel, 0)
    driver.write(.queueReset, 1)
    #expect(driver.read(.queueReset) == 0)
    #expect(driver.read(.queueReady) == 0)
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(driver.queues[0].usedIndex == 1)
    // Another size, another place; at work at once.
    let queue = driver.addQueue(0, size: 2, features: .common)
    queue.offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(queue.usedIndex == 1)
    #expect(driver.status.contains(.driverOK))
  }

  @Test func noQueueResetWithoutTheFeature() throws {
    try driver.start([.version1])
    driver.write(.queueSel, 0)
    driver.write(.queueReset, 1)
    #expect(driver.read(.queueReady) == 1)
  }

  @Test func aQueueIsDisabled() throws {
    try driver.start()
    driver.write(.queueSel, 0)
    driver.write(.queueReady, 0)
    #expect(driver.read(.queueReady) == 0)
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(driver.queues[0].usedIndex == 0)
  }

  // MARK: Bad drivers

  /// On the I/O thread, and however fast the driver is: what came between two looks is one report.
  @Test func faultsAreReported() throws {
    for _ in 0..<3 {
      try driver.start()
      driver.write(.queueSel, 0)
      driver.write(.queueNum, 1)
    }
    #expect(driver.takeReports().map(\.count) == [1, 1], "the last one is not looked at yet")
    driver.write(.status, 0)
    driver.pump()
    #expect(driver.takeReports() == [.init(fault: .liveQueueChanged, count: 1)], "a reset does not hide it")
    try #require(driver.negotiate(.version1))
    driver.write(.queueNum, 3)
    for _ in 0..<5 {
      driver.write(.queueReady, 1)
      driver.write(.queueReady, 0)
    }
    driver.transport.powerOff()
    #expect(driver.takeReports() == [.init(fault: .queueSize(3), count: 5)], "nor does the machine's end")
    driver.pump()
    #expect(driver.takeReports() == [])
  }

  @Test(arguments: [.queueNum, .queueDescLow, .queueDescHigh, .queueDriverLow, .queueDeviceHigh]
    as [MockDriver.Register])
  func queueChangedWhileLive(register: MockDriver.Register) throws {
    try driver.start()
    driver.write(.queueSel, 0)
    driver.write(register, 1)
    driver.expectFault(.liveQueueChanged)
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(driver.queues[0].usedIndex == 0)
    // Only a reset helps, and it does.
    driver.add(.driverOK)
    driver.pump()
    #expect(driver.queues[0].usedIndex == 0)
    try driver.start()
    #expect(driver.transport.fault == nil)
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(driver.queues[0].usedIndex == 1)
  }

  @Test func queueOutsideMemory() throws {
    #expect(driver.negotiate(.common))
    driver.addQueue(size: 4, features: .common, isReady: false)
    driver.write(.queueDescHigh, 1)
    driver.write(.queueReady, 1)
    #expect(driver.transport.fault == .queueAddress(GuestAddress(1 << 32 | driver.queues[0].descriptors.rawValue)))
    #expect(driver.status.contains(.needsReset))
    #expect(driver.takeInterrupt() == 0, "before DRIVER_OK nobody is told (2.1.2)")
    driver.add(.driverOK)
    driver.pump()
    #expect(driver.transport.fault != nil)
  }

  @Test func indexRunsAhead() throws {
    try driver.start()
    driver.queues[0].setAvailableIndex(9)
    driver.write(.queueNotify, 0)
    driver.pump()
    driver.expectFault(.availableIndexRanAhead(9))
  }

  /// Any access of any size to any place, in any order: nothing but the device's own state changes.
  @Test(arguments: 0..<8 as Range<UInt64>) func anyAccess(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<20_000 {
      let offset = UInt64.random(in: 0..<0x200, using: &random) & (Bool.random(using: &random) ? ~3 : ~0)
      let size = [4, 4, 4, 1, 2, 8].randomElement(using: &random)!
      if Bool.random(using: &random) {
        let value = [0, 1, 2, 4, 8, 0xf, .max, random.next()].randomElement(using: &random)!
        driver.transport.write(
          offset: offset, size: size, value: size == 8 ? value : value & (1 << UInt64(8 * size) - 1))
      } else {
        _ = driver.transport.read(offset: offset, size: size)
      }
      if UInt8.random(in: 0..<64, using: &random) == 0 { driver.pump() }
    }
    try driver.start()
    driver.queues[0].offer([.writable(0x8000, 16)])
    driver.kick()
    #expect(driver.queues[0].usedIndex == 1)
  }
}
