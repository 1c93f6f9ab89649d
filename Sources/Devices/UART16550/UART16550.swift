import Synchronization

/// A serial port: National Semiconductor's PC16550D as it sits in PCs, eight 8-bit registers.
///
/// The registers are in ``State``; here is what they are wired to: the bus, the interrupt pin, the other end of the
/// line.
///
/// **Time.** The line is as fast as the peer: a byte written is sent at once, and the character time-out has always run
/// out already. Baud rate, word length and parity are kept and change nothing.
///
/// **OUT2.** On PC boards the modem output OUT2 also switches the interrupt pin through to the interrupt controller. It
/// is not needed here, as it is not in QEMU and other VMMs: kernels that forget it work there, and no kernel uses it to
/// silence the port, since the interrupt enable register does that.
package final class UART16550: ByteWideDevice {
  /// The number of ports that the device claims.
  package static let portCount: UInt64 = 8

  private let state = Mutex(State())
  private let interrupt: InterruptLine
  private let peer: any SerialPeer

  package init(interrupt: InterruptLine, peer: any SerialPeer) {
    self.interrupt = interrupt
    self.peer = peer
  }

  package func read(_ register: UInt64) -> UInt8 {
    let (value, effects) = state.withLock { $0.read(register) }
    carryOut(effects)
    return value
  }

  package func write(_ register: UInt64, _ value: UInt8) {
    var effects = state.withLock { $0.write(register, value, peer) }
    // Without the lock: the peer's thread may need it to make room.
    while effects.contains(.transmitterOverrun), peer.waitForRoom() {
      effects = state.withLock { $0.transmit(value, to: peer) }
    }
    if effects.contains(.transmitterOverrun) { peer.drop(value) }
    carryOut(effects)
  }

  /// Bytes arrive from the line.
  ///
  /// - Returns: how many of `bytes` the receiver had room for. After fewer than offered, the peer hears of room by
  ///   ``SerialPeer/receiverHasRoom()``.
  package func receive(_ bytes: Span<UInt8>) -> Int {
    let (taken, effects) = state.withLock { $0.receive(bytes) }
    carryOut(effects)
    return taken
  }

  /// The peer, having refused a byte, can take bytes again.
  package func transmitterHasRoom() {
    carryOut(state.withLock { $0.transmitHeld(to: peer) })
  }

  /// Does, after the lock is given back, what a change of state asks for. A pulse may so come late, but never before
  /// the state that it announces; one that has become pointless finds "no interrupt" in the identification register.
  @inline(__always)
  private func carryOut(_ effects: Effects) {
    if effects.isEmpty { return }
    if effects.contains(.pulse) { interrupt.pulse() }
    if effects.contains(.receiverHasRoom) { peer.receiverHasRoom() }
  }
}
