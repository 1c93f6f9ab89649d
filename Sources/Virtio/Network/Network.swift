import GuestMemory
import Host
import Metering

/// The network device (virtio 1.2, 5.1) with one pair of queues: packets between the guest and a ``NetworkBackend``.
package final class Network: VirtioDevice {
  package let kind = DeviceKind.network
  package let queueSizes: [UInt16] = [256, 256]
  private static let receiveQueue = 0
  private static let transmitQueue = 1

  private let backend: any NetworkBackend
  private let mac: [UInt8]
  private let mtu: UInt16?
  private var link: NetworkLink?
  /// What the driver was last told of the link.
  private var wasLinkUp: Bool
  private let meter: NetworkMeter?
  private let limiter: RateLimiter?
  private let refill = DeviceTimer()
  /// Behind the backend's.
  private let refillSource: Int

  /// - Parameters:
  ///   - mac: the guest's address, six bytes.
  ///   - mtu: the largest packet that the guest shall send, and gets; nil to say nothing.
  ///   - meter: where packets are counted.
  ///   - limiter: what may go through the card.
  package init(
    _ backend: any NetworkBackend, mac: [UInt8], mtu: UInt16? = nil, meter: NetworkMeter? = nil,
    limiter: RateLimiter? = nil
  ) {
    precondition(mac.count == 6)
    self.backend = backend
    self.mac = mac
    self.mtu = mtu
    self.meter = meter
    self.limiter = limiter
    refillSource = backend.sources.count
    wasLinkUp = backend.isLinkUp
  }

  package var features: Features {
    let own: Features = [.networkMAC, .networkStatus, .networkMergedBuffers]
    return own.union(backend.offloads).union(mtu == nil ? [] : .networkMTU)
  }

  /// mac, then le16 status, max_virtqueue_pairs and mtu (5.1.4).
  package var configuration: [UInt8] {
    var bytes = mac + [isLinkUp ? 1 : 0, 0, 1, 0]
    bytes.append(little: mtu ?? 0)
    return bytes
  }

  package func takeConfigurationChange() -> Bool {
    defer { wasLinkUp = isLinkUp }
    return wasLinkUp != isLinkUp
  }

  /// A card whose budget is used up is as good as unplugged.
  private var isLinkUp: Bool { backend.isLinkUp && !(limiter?.isExhausted ?? false) }

  /// 5.1.3.1: segmentation is nothing without checksums.
  package func accepts(_ features: Features) -> Bool {
    let guest: Features = [.networkGuestTSO4, .networkGuestTSO6]
    let host: Features = [.networkHostTSO4, .networkHostTSO6]
    return (features.isDisjoint(with: guest) || features.contains(.networkGuestChecksum))
      && (features.isDisjoint(with: host) || features.contains(.networkChecksum))
      && (!features.contains(.networkGuestECN) || !features.isDisjoint(with: guest))
      && (!features.contains(.networkHostECN) || !features.isDisjoint(with: host))
  }

  package func activate(_ activation: Activation) {
    backend.use(activation.features)
    link = NetworkLink(
      activation, backend, mtu: mtu, meter, limiter, receive: activation.queues[Self.receiveQueue],
      transmit: activation.queues[Self.transmitQueue])
  }

  package func reset() {
    link = nil
    refill.disarm()
  }

  package func queueReset(_ index: Int) {
    if index == Self.transmitQueue { link?.forgetOutgoing() } else { link?.holdNothing() }
  }

  package func powerOff() { backend.close() }

  package func queueNotified(_ index: Int) throws(VirtioFault) -> Bool {
    guard let link else { return false }
    defer { armRefill(link) }
    return index == Self.receiveQueue ? try link.deliver() : try link.transmit()
  }

  /// The backend's, and the refill timer last.
  package var sources: [Int32] { backend.sources + [refill.number] }

  package func wantedEvents(_ source: Int) -> EventLoop.Events {
    guard source < refillSource else { return refill.number >= 0 ? .readable : [] }
    return link.map { backend.wantedEvents(source, isStarved: $0.takesNothing) } ?? []
  }

  package func sourceReady(_ source: Int, _ events: EventLoop.Events) throws(VirtioFault) -> Bool {
    guard let link else { return false }
    defer { armRefill(link) }
    guard source < refillSource else {
      refill.acknowledge()
      let hasMore = try link.transmit()
      return try link.deliver() || hasMore
    }
    let wasBlocked = backend.isBlocked
    backend.sourceReady(source, events)
    var hasMore = false
    if wasBlocked, !backend.isBlocked { hasMore = try link.transmit() }
    if source == 0, !events.isDisjoint(with: [.readable, .hangUp, .error]), try link.deliver() { hasMore = true }
    return hasMore
  }

  private func armRefill(_ link: NetworkLink) {
    if let instant = link.wakeAt { refill.arm(at: instant) }
  }
}
