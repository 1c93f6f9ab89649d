import GuestMemory
import Host

/// What a device is to a driver: the number in DeviceID (virtio 1.2, 5).
package enum DeviceKind: UInt32, Sendable {
  case network = 1
  case block = 2
  case console = 3
  case entropy = 4
  case balloon = 5
}

/// A device behind a virtio transport: what differs between a disk and a network card.
///
/// **Threads.** The transport calls with the device's lock held, so one call at a time. ``activate(_:)``,
/// ``queueNotified(_:)`` and ``sourceReady(_:_:)`` come on the I/O thread; the others on whichever thread the guest's
/// access came from. Chains that were given back by any call are shown to the driver when it returns, with one
/// interrupt at most.
///
/// **Faults.** A call that throws leaves the driver with DEVICE_NEEDS_RESET; ``reset()`` follows at once. What a
/// request can be answered with, by the device's own means, is no fault.
package protocol VirtioDevice: AnyObject {
  var kind: DeviceKind { get }
  /// The device's own features, without ``Features/common``.
  var features: Features { get }
  /// The most descriptors that each queue may have, powers of two; as many entries as there are queues.
  var queueSizes: [UInt16] { get }
  /// The device-specific configuration space (2.5), little-endian.
  var configuration: [UInt8] { get }
  /// The driver writes to the configuration space; what a device has no use for is ignored.
  func writeConfiguration(offset: UInt64, size: Int, value: UInt64)
  /// Whether the configuration space has changed by itself since the last call. Asked after each call on the I/O
  /// thread; the driver is then told.
  func takeConfigurationChange() -> Bool
  /// Whether a choice among the offered features makes sense.
  func accepts(_ features: Features) -> Bool
  /// The choice is settled (FEATURES_OK), and the driver may read and write the configuration space by it (3.1.1).
  func settle(_ features: Features)

  /// The driver is ready (DRIVER_OK). All queues are notified next.
  func activate(_ activation: Activation)
  /// There may be something new on a queue.
  ///
  /// - Returns: whether there is more than the device did at once: it is then called again soon.
  func queueNotified(_ index: Int) throws(VirtioFault) -> Bool
  /// Back to the state before ``activate(_:)``, also without one. When it returns, nothing that the device ever started
  /// touches guest memory any more.
  func reset()
  /// The machine ends, after a ``reset()``: what the device still holds back for the host goes there now.
  func powerOff()
  /// A single queue is not used any more. When it returns, no request from it touches guest memory.
  func queueReset(_ index: Int)

  /// Descriptors that the device waits for on the I/O thread. Their number stays the same for the device's life, and
  /// each stays the same as long as something is wanted of it: asked anew when that begins.
  var sources: [Int32] { get }
  /// What the device wants to hear from a source now; asked again after every call of the device.
  func wantedEvents(_ source: Int) -> EventLoop.Events
  /// A source is ready.
  ///
  /// - Returns: whether there is more than the device did at once, which its source will not tell of: all queues are
  ///   then notified soon.
  func sourceReady(_ source: Int, _ events: EventLoop.Events) throws(VirtioFault) -> Bool
}

extension VirtioDevice {
  package var configuration: [UInt8] { [] }
  package func writeConfiguration(offset: UInt64, size: Int, value: UInt64) {}
  package func takeConfigurationChange() -> Bool { false }
  package func accepts(_ features: Features) -> Bool { true }
  package func settle(_ features: Features) {}
  package func queueReset(_ index: Int) {}
  package func powerOff() {}
  package var sources: [Int32] { [] }
  package func wantedEvents(_ source: Int) -> EventLoop.Events { [] }
  package func sourceReady(_ source: Int, _ events: EventLoop.Events) throws(VirtioFault) -> Bool { false }
}

/// What a device works with between DRIVER_OK and its reset.
package struct Activation {
  /// What driver and device have agreed on.
  package let features: Features
  /// All queues, also those that the driver does not use: they are empty.
  package let queues: [Virtqueue]
  package let memory: GuestMemory
}
