import Host

/// Where a guest's network cable ends on the host. Nothing here waits.
package protocol NetworkBackend: AnyObject {
  /// What to wait for, as ``VirtioDevice/sources``. The first carries the packets, others are the backend's own affair.
  var sources: [Int32] { get }
  /// What to wait for at a source now.
  ///
  /// - Parameter isStarved: the guest has no room, so no packet is to be taken.
  func wantedEvents(_ source: Int, isStarved: Bool) -> EventLoop.Events
  /// A source is ready. Packets are taken later, by ``receive(into:)``.
  func sourceReady(_ source: Int, _ events: EventLoop.Events)

  /// Whether somebody is at the other end.
  var isLinkUp: Bool { get }
  /// The offloads that it can do, as features of the device: `VIRTIO_NET_F_CSUM`, `…_GUEST_TSO4` and so on.
  var offloads: Features { get }
  /// Only these are used from now on: what the driver has agreed to.
  func use(_ offloads: Features)

  /// Sends a packet, header and frame, at the next ``flush()`` at the latest.
  func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome
  /// Sends what ``send(_:)`` has kept back.
  func flush()
  /// Nothing can be sent until a source has been ready.
  var isBlocked: Bool { get }

  /// Takes a packet that has come, header and frame, into a buffer that has room for the largest.
  ///
  /// - Returns: its length, nil when there is none now.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int?

  /// The machine ends: the other end sees the cable unplugged.
  func close()
}

/// What became of a packet.
package enum SendOutcome: Sendable {
  case sent
  /// It is lost, as on any cable.
  case dropped
  /// It is to be offered again when the backend is no longer blocked.
  case notNow
}
