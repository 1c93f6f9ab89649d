/// Feature bits that driver and device agree on (virtio 1.2, 2.2): bits 0 to 23 belong to the kind of device, the rest
/// to queues and transport. Each device adds its own as constants.
package struct Features: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package init(bit: UInt64) { self.init(rawValue: 1 << bit) }

  /// VIRTIO_F_INDIRECT_DESC: chains may go on in tables outside the queue (2.7.5.3).
  package static let indirectDescriptors = Features(bit: 28)
  /// VIRTIO_F_EVENT_IDX: each side says at which index it wants to hear from the other (2.7.7, 2.7.10).
  package static let eventIndex = Features(bit: 29)
  /// VIRTIO_F_VERSION_1: not the legacy interface (6.1).
  package static let version1 = Features(bit: 32)
  /// VIRTIO_F_RING_RESET: a single queue can be reset (2.6.1).
  package static let ringReset = Features(bit: 40)

  /// What every device here offers besides its own.
  package static let common: Features = [.indirectDescriptors, .eventIndex, .version1, .ringReset]
}
