import Devices
import GuestMemory
import Host
import Synchronization
import Testing

@testable import Virtio

/// A guest's driver for any virtio device, and the machine around the device: memory, interrupt, I/O thread. It goes
/// through the registers as drivers do (virtio 1.2, 3.1 and 4.2.3), and needs no KVM.
final class MockDriver {
  let memory: GuestMemory
  let transport: MMIOTransport
  let line: InterruptLine
  let loop: EventLoop
  let runner: DeviceRunner
  private let reports = FaultReports()
  private let stopper: EventFD
  private(set) var queues: [DriverQueue] = []
  private var top: UInt64 = 0x1000
  private var turnsLeft = 0

  typealias Register = MMIORegisters.Register
  typealias Status = MMIORegisters.Status

  init(_ device: sending any VirtioDevice, memoryBytes: UInt64 = 4 << 20, backing: MemoryBacking = .anonymous) throws {
    memory = try GuestMemory(bytes: memoryBytes, backing: backing)
    line = try InterruptLine()
    transport = try MMIOTransport(device, memory: memory, interrupt: line) { [reports] in reports.add($0) }
    loop = try EventLoop()
    runner = try DeviceRunner(transport, on: loop)
    stopper = try EventFD()
    try loop.add(stopper.number, .readable) { [unowned self] _ in
      stopper.drain()
      turnsLeft -= 1
      if turnsLeft == 0 { loop.stop() } else { stopper.signal() }
    }
  }

  deinit { runner.close() }

  // MARK: Registers

  func read(_ register: Register) -> UInt32 {
    UInt32(truncatingIfNeeded: transport.read(offset: register.rawValue, size: 4))
  }

  func write(_ register: Register, _ value: UInt32) {
    transport.write(offset: register.rawValue, size: 4, value: UInt64(value))
  }

  func readConfiguration<Value: FixedWidthInteger>(_ offset: UInt64, as type: Value.Type = Value.self) -> Value {
    Value(truncatingIfNeeded: transport.read(offset: 0x100 + offset, size: Value.bitWidth / 8))
  }

  func writeConfiguration<Value: FixedWidthInteger>(_ offset: UInt64, _ value: Value) {
    transport.write(offset: 0x100 + offset, size: Value.bitWidth / 8, value: UInt64(value))
  }

  var status: Status { Status(rawValue: UInt8(read(.status))) }

  func add(_ status: Status) { write(.status, UInt32(self.status.union(status).rawValue)) }

  var offered: Features {
    write(.deviceFeaturesSel, 0)
    let low = read(.deviceFeatures)
    write(.deviceFeaturesSel, 1)
    return Features(rawValue: UInt64(low) | UInt64(read(.deviceFeatures)) << 32)
  }

  // MARK: From reset to work

  /// - Returns: whether the device agreed.
  func negotiate(_ features: Features, thirdWord: UInt32 = 0) -> Bool {
    write(.status, 0)
    add(.acknowledge)
    add(.driver)
    write(.driverFeaturesSel, 0)
    write(.driverFeatures, UInt32(truncatingIfNeeded: features.rawValue))
    write(.driverFeaturesSel, 1)
    write(.driverFeatures, UInt32(truncatingIfNeeded: features.rawValue >> 32))
    write(.driverFeaturesSel, 2)
    write(.driverFeatures, thirdWord)
    add(.featuresOK)
    return status.contains(.featuresOK)
  }

  /// Makes a queue in memory, and tells the device.
  @discardableResult
  func addQueue(_ index: Int? = nil, size: UInt16, features: Features, isReady: Bool = true) -> DriverQueue {
    let queue = DriverQueue(size: size, at: allocate(16 * UInt64(size) + 16 + 10 * UInt64(size)), in: memory)
    queue.features = features
    let index = index ?? queues.count
    if index < queues.count { queues[index] = queue } else { queues.append(queue) }
    tell(index, queue, isReady: isReady)
    return queue
  }

  func tell(_ index: Int, _ queue: DriverQueue, isReady: Bool = true) {
    write(.queueSel, UInt32(index))
    write(.queueNum, UInt32(queue.size))
    write(.queueDescLow, UInt32(truncatingIfNeeded: queue.descriptors.rawValue))
    write(.queueDescHigh, UInt32(queue.descriptors.rawValue >> 32))
    write(.queueDriverLow, UInt32(truncatingIfNeeded: queue.available.rawValue))
    write(.queueDriverHigh, UInt32(queue.available.rawValue >> 32))
    write(.queueDeviceLow, UInt32(truncatingIfNeeded: queue.used.rawValue))
    write(.queueDeviceHigh, UInt32(queue.used.rawValue >> 32))
    if isReady { write(.queueReady, 1) }
  }

  /// The whole start of a driver: all queues the device has, then DRIVER_OK.
  func start(_ features: Features = .common, queueSize: UInt16 = 8) throws {
    try #require(negotiate(features.union(.version1)))
    queues = []
    for index in transport.doorbells.indices {
      write(.queueSel, UInt32(index))
      addQueue(size: min(queueSize, UInt16(read(.queueNumMax))), features: features)
    }
    add(.driverOK)
    pump()
  }

  /// Page-aligned memory that nobody else uses.
  func allocate(_ bytes: UInt64) -> UInt64 {
    defer { top += (bytes + 4095) / 4096 * 4096 }
    return top
  }

  // MARK: At work

  /// Lets the I/O thread do all that it was asked for by now.
  func pump() {
    // In each turn everything that is ready is handled; in the second, what the first has asked for.
    turnsLeft = 3
    stopper.signal()
    try! loop.run()
  }

  /// Shows the device what was offered, and notifies it if it wants that.
  ///
  /// - Returns: whether it wanted that.
  @discardableResult
  func kick(_ queue: Int = 0) -> Bool {
    let wants = queues[queue].announce()
    if wants { write(.queueNotify, UInt32(queue)) }
    pump()
    return wants
  }

  /// Whether the interrupt came since the last call; reads and acknowledges the reasons as drivers do.
  func takeInterrupt() -> UInt32 {
    guard line.event.drain() > 0 else { return 0 }
    let reasons = read(.interruptStatus)
    write(.interruptACK, reasons)
    return reasons
  }

  func bytes(_ address: UInt64, _ count: Int) -> [UInt8] { try! memory.read(GuestAddress(address), count: count) }
  func put(_ bytes: [UInt8], at address: UInt64) { try! memory.write(bytes, at: GuestAddress(address)) }

  /// What the transport has reported since the last call.
  func takeReports() -> [MMIOTransport.FaultReport] { reports.take() }

  /// Has the device reported that it cannot go on, and why?
  func expectFault(_ fault: VirtioFault, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(transport.fault == fault, sourceLocation: sourceLocation)
    #expect(status.contains(.needsReset), sourceLocation: sourceLocation)
    #expect(takeInterrupt() & 2 != 0, "a configuration change is notified", sourceLocation: sourceLocation)
  }
}

private final class FaultReports: Sendable {
  private let reports = Mutex<[MMIOTransport.FaultReport]>([])

  func add(_ report: MMIOTransport.FaultReport) { reports.withLock { $0.append(report) } }

  func take() -> [MMIOTransport.FaultReport] {
    reports.withLock { reports in
      defer { reports = [] }
      return reports
    }
  }
}
