/// The other end of a serial line: a console, a file, a terminal.
///
/// Together with ``UART16550`` it carries bytes both ways with back-pressure, so that neither side ever loses one
/// unasked:
///
/// - Guest to host: ``transmit(_:)`` answers false when there is no room; the UART then holds the byte, shows the guest
///   a busy transmitter, and waits for the peer to call ``UART16550/transmitterHasRoom()``.
/// - Host to guest: ``UART16550/receive(_:)`` takes fewer bytes than offered when the guest does not read; the peer
///   keeps the rest until ``receiverHasRoom()``.
///
/// All calls come from vCPU threads and from whoever calls the UART. The peer must not call the UART while it holds a
/// lock that its own functions take.
package protocol SerialPeer: AnyObject, Sendable {
  /// The guest sends a byte. Called with the UART's lock held, so one call at a time: it must neither wait nor call the
  /// UART.
  ///
  /// - Returns: whether the byte was taken. After false the peer owes a call of ``UART16550/transmitterHasRoom()``.
  func transmit(_ byte: UInt8) -> Bool

  /// The guest sends without asking whether the transmitter is free, and the UART can hold no more. Called on the
  /// vCPU's thread without any lock; how long the vCPU waits here is the peer's decision.
  ///
  /// - Returns: true once there is room again; false to give up, and the guest's byte is lost, as it would be in
  ///   hardware.
  func waitForRoom() -> Bool

  /// The guest's byte is lost: it waited for room and got none. Called on the vCPU's thread without any lock.
  func drop(_ byte: UInt8)

  /// The guest has read everything that it was sent, after the UART had to refuse some. Called on a vCPU's thread.
  func receiverHasRoom()
}
