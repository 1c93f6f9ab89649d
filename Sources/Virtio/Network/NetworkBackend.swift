/// Where a guest's network cable ends on the host. Nothing here waits.
package protocol NetworkBackend: AnyObject {
  /// What to wait for; stays the same.
  var descriptor: Int32 { get }
  /// The offloads that it can do, as features of the device: `VIRTIO_NET_F_CSUM`, `…_GUEST_TSO4` and so on.
  var offloads: Features { get }
  /// Only these are used from now on: what the driver has agreed to.
  func use(_ offloads: Features)

  /// Sends a packet, header and frame.
  ///
  /// - Returns: false when it cannot now; it is to be offered again when the descriptor is writable.
  func send(_ packet: UnsafeRawBufferPointer) -> Bool
  /// Whether to wait until the descriptor is writable: for room, or to send what is left of the last packet.
  var isBlocked: Bool { get }
  /// The descriptor is writable.
  func becameWritable()

  /// Takes a packet that has come, header and frame, into a buffer that has room for the largest.
  ///
  /// - Returns: its length, nil when there is none now.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int?
  /// The other end is gone for good.
  var isGone: Bool { get }
}
