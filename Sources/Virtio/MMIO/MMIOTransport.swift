import Devices
import GuestMemory
import Host
import Synchronization

/// A virtio device's window of registers (virtio 1.2, 4.2, version 2), and all that stands between driver and device.
///
/// vCPUs come in by the bus; the I/O thread by ``DeviceRunner``. One lock guards registers, queues and device, so a
/// reset has happened when the guest's write returns. What a driver does for every request needs no lock: its
/// notifications go to event descriptors (and with ioeventfd do not even come here), and interrupts are acknowledged in
/// an atomic word. Configuring a device that is at work waits until the device is done with what it took off its queue.
package final class MMIOTransport: BusDevice {
  /// The bytes that a device claims; the second half is for its configuration space.
  package static let windowBytes: UInt64 = 0x200
  /// Where drivers write a queue's number to notify the device: what ioeventfd listens to.
  package static let queueNotifyOffset = MMIORegisters.Register.queueNotify.rawValue
  static let configurationOffset: UInt64 = 0x100

  /// One per queue: signalled when the driver notifies.
  package let doorbells: [EventFD]
  /// Signalled when the I/O thread must look after the device for another reason.
  let attention: EventFD
  private let interrupt: InterruptStatus
  private let core: Mutex<Core>
  private let report: @Sendable (FaultReport) -> Void

  /// That the device had to stop.
  package struct FaultReport: Equatable, Sendable {
    /// Why it did so last.
    package var fault: VirtioFault
    /// How many times since the last report.
    package var count: UInt64
  }

  private struct Core: ~Copyable {
    let device: any VirtioDevice
    let memory: GuestMemory
    let queues: [Virtqueue]
    var registers: MMIORegisters
    /// Of queues that are ready: checked copies of what the driver said.
    var layouts: [QueueLayout?]
    /// Between ``VirtioDevice/activate(_:)`` and ``VirtioDevice/reset()``.
    var isActive = false
    var fault: VirtioFault?
    var unreported: FaultReport?
  }

  /// - Parameter report: hears on the I/O thread that the device had to stop. A driver can bring that about as often as
  ///   it likes.
  package init(
    _ device: sending any VirtioDevice, memory: GuestMemory, interrupt: InterruptLine,
    report: @escaping @Sendable (FaultReport) -> Void = { _ in }
  ) throws(SystemCallError) {
    self.report = report
    let sizes = device.queueSizes
    var doorbells: [EventFD] = []
    for _ in sizes { doorbells.append(try EventFD()) }
    self.doorbells = doorbells
    attention = try EventFD()
    self.interrupt = InterruptStatus(interrupt)
    core = Mutex(
      Core(
        device: device, memory: memory, queues: sizes.map { Virtqueue(maximumSize: $0, in: memory) },
        registers: MMIORegisters(kind: device.kind, offered: device.features.union(.common), queueSizes: sizes),
        layouts: sizes.map { _ in nil }))
  }

  /// What stopped the device, nil while it may work.
  package var fault: VirtioFault? { core.withLock { $0.fault } }

  /// The machine ends: nothing touches the guest's memory any more, and what the device holds back goes to the host.
  package func powerOff() {
    core.withLock { core in
      quiesce(&core)
      core.device.powerOff()
    }
    reportFault()
  }

  /// Has the device look at its queues, as if the driver had notified it.
  package func lookAgain() { for doorbell in doorbells { doorbell.signal() } }

  /// The device's configuration space is not what it was (2.5, 4.2.2 ConfigGeneration).
  package func configurationChanged() {
    core.withLock { core in
      core.registers.configurationChanged()
      if core.registers.isLive { interrupt.raise(.configurationChange) }
    }
    attention.signal()
  }
}

// MARK: The guest's side, on any vCPU's thread

extension MMIOTransport {
  package func read(offset: UInt64, size: Int) -> UInt64 {
    if offset >= Self.configurationOffset {
      return core.withLock { $0.device.configuration.load(at: offset - Self.configurationOffset, size: size) }
    }
    // Drivers must use 32-bit accesses, aligned (4.2.2.2); others find nothing.
    guard size == 4, let register = MMIORegisters.Register(rawValue: offset) else { return 0 }
    if register == .interruptStatus { return UInt64(interrupt.value) }
    return core.withLock { UInt64($0.registers.read(register)) }
  }

  package func write(offset: UInt64, size: Int, value: UInt64) {
    if offset >= Self.configurationOffset {
      core.withLock {
        $0.device.writeConfiguration(offset: offset - Self.configurationOffset, size: size, value: value)
      }
      return attention.signal()
    }
    guard size == 4, let register = MMIORegisters.Register(rawValue: offset) else { return }
    let value = UInt32(truncatingIfNeeded: value)
    switch register {
    case .queueNotify:
      if Int(value) < doorbells.count { doorbells[Int(value)].signal() }
    case .interruptACK:
      interrupt.acknowledge(value)
    default:
      core.withLock { carryOut($0.registers.write(register, value), &$0) }
    }
  }

  private func carryOut(_ effect: MMIORegisters.Effect, _ core: inout Core) {
    switch effect {
    case .none: break
    case .reset:
      quiesce(&core)
      core.registers.reset()
      core.fault = nil
      interrupt.clear()
    case .negotiate:
      let chosen = core.registers.driverFeatures
      // Without VERSION_1 a driver speaks the legacy interface, which is not here (6.1).
      if chosen.isSubset(of: core.registers.offered), !core.registers.wantsUnknownFeatures,
        chosen.contains(.version1), core.device.accepts(chosen)
      {
        core.registers.acceptFeatures()
        core.device.settle(chosen)
      }
    case .driverOK: attention.signal()
    case .failed: quiesce(&core)
    case .enableQueue(let index): enableQueue(index, &core)
    case .disableQueue(let index):
      core.queues[index].stop()
      core.layouts[index] = nil
      if core.isActive { core.device.queueReset(index) }
    case .fault(let fault): demandReset(fault, &core)
    }
  }

  private func enableQueue(_ index: Int, _ core: inout Core) {
    let queue = core.registers.queues[index]
    do throws(VirtioFault) {
      let layout = try QueueLayout(
        size: queue.size, maximum: queue.maximumSize, descriptors: GuestAddress(queue.descriptors),
        available: GuestAddress(queue.available), used: GuestAddress(queue.used), in: core.memory)
      core.layouts[index] = layout
      // A queue that comes back after its own reset (2.6.1).
      if core.isActive {
        try core.queues[index].start(layout, features: core.registers.driverFeatures)
        doorbells[index].signal()
      }
    } catch {
      demandReset(error, &core)
    }
  }

  /// From here on nothing touches the guest's memory for this device.
  private func quiesce(_ core: inout Core) {
    for queue in core.queues { queue.stop() }
    for index in core.layouts.indices { core.layouts[index] = nil }
    core.device.reset()
    core.isActive = false
    attention.signal()
  }

  /// Stops the device and tells its driver (2.1.2); only a reset brings it back.
  private func demandReset(_ fault: VirtioFault, _ core: inout Core) {
    let wasLive = core.registers.isLive
    core.registers.demandReset()
    core.fault = fault
    core.unreported = FaultReport(fault: fault, count: (core.unreported?.count ?? 0) + 1)
    quiesce(&core)
    if wasLive { interrupt.raise(.configurationChange) }
  }
}

// MARK: The device's side, on the I/O thread

extension MMIOTransport {
  /// The descriptors that the device waits for.
  var sources: [Int32] { core.withLock { $0.device.sources } }

  func wantedEvents(_ source: Int) -> EventLoop.Events {
    core.withLock { $0.isActive ? $0.device.wantedEvents(source) : [] }
  }

  /// Brings the device to life if its driver has become ready.
  func lookAfter() {
    core.withLock { _ = activated(&$0) }
    reportFault()
  }

  /// Without the lock, as whoever hears of it may have to wait for a terminal.
  private func reportFault() {
    if let unreported = core.withLock({ $0.unreported.take() }) { report(unreported) }
  }

  func doorbellRang(_ index: Int) {
    core.withLock { core in
      // A notification before DRIVER_OK is the driver's mistake and means nothing (3.1.1); all queues are looked at
      // then.
      guard activated(&core) else { return }
      run(&core) { core throws(VirtioFault) in try notify(index, &core) }
    }
  }

  func sourceReady(_ source: Int, _ events: EventLoop.Events) {
    core.withLock { core in
      guard core.isActive else { return }
      run(&core) { core throws(VirtioFault) in
        if try core.device.sourceReady(source, events) { for doorbell in doorbells { doorbell.signal() } }
      }
    }
  }

  /// - Returns: whether the device is at work.
  private func activated(_ core: inout Core) -> Bool {
    if core.isActive || !core.registers.isLive { return core.isActive }
    core.isActive = true
    run(&core) { core throws(VirtioFault) in
      for (queue, layout) in zip(core.queues, core.layouts) {
        if let layout { try queue.start(layout, features: core.registers.driverFeatures) }
      }
      core.device.activate(
        Activation(features: core.registers.driverFeatures, queues: core.queues, memory: core.memory))
      for index in core.queues.indices { try notify(index, &core) }
    }
    return core.isActive
  }

  private func notify(_ index: Int, _ core: inout Core) throws(VirtioFault) {
    guard core.queues[index].isInUse else { return }
    if try core.device.queueNotified(index) { doorbells[index].signal() }
  }

  /// Runs a piece of the device, then shows the driver what came of it.
  private func run(_ core: inout Core, _ body: (inout Core) throws(VirtioFault) -> Void) {
    do throws(VirtioFault) {
      try body(&core)
      var wantsInterrupt = false
      for queue in core.queues where try queue.publish() { wantsInterrupt = true }
      if wantsInterrupt { interrupt.raise(.usedBuffer) }
      if core.device.takeConfigurationChange() {
        core.registers.configurationChanged()
        interrupt.raise(.configurationChange)
      }
    } catch {
      demandReset(error, &core)
    }
  }
}

extension [UInt8] {
  /// `size` bytes at `offset` as a little-endian number; what lies beyond the end reads as zeros.
  fileprivate func load(at offset: UInt64, size: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<size where offset + UInt64(index) < UInt64(count) {
      value |= UInt64(self[Int(offset) + index]) << (8 * index)
    }
    return value
  }
}
