/// The host's end of a virtio console: where the guest's bytes go. Called on the I/O thread and on vCPU threads, with
/// the device's lock held: so it must neither wait nor call the ``ConsoleLine``.
package protocol ConsolePeer: AnyObject, Sendable {
  /// The guest says something.
  ///
  /// - Returns: how many of the bytes were taken, or let go because nobody has wanted any for too long. After fewer
  ///   than offered, the peer owes a call of ``ConsoleLine/transmitterHasRoom()``.
  func transmit(_ bytes: Span<UInt8>) -> Int

  /// For how long it may take fewer bytes than it is offered, in nanoseconds: after that it takes all.
  var patience: UInt64 { get }

  /// The guest says a byte in an emergency. Where there is no room it is lost.
  func transmitAtOnce(_ byte: UInt8)

  /// After the line has taken fewer bytes than it was offered: it can take more.
  func receiverHasRoom()
}
