import Host
import Synchronization

/// The host's side of a virtio console: takes what is typed, and knows the window that the guest draws in.
///
/// Bytes are taken only when the driver has a buffer for them, so what was taken is as good as read: whoever types more
/// keeps the rest, and nothing is lost.
package final class ConsoleLine: Sendable {
  private struct State {
    /// What the driver's next buffer holds, and what is meant to go there.
    var room = 0
    var typed: [UInt8] = []
    /// The peer was refused bytes, and waits to hear of room.
    var hasRefused = false
    var size = TerminalSize(columns: 0, rows: 0)
  }

  private let state: Mutex<State>
  let peer: any ConsolePeer
  /// Signalled when the device must look after its line.
  let attention: EventFD

  package init(_ peer: any ConsolePeer) throws(SystemCallError) {
    self.peer = peer
    state = Mutex(State())
    attention = try EventFD()
  }

  // MARK: The host's side

  /// Bytes arrive for the guest.
  ///
  /// - Returns: how many of them the guest has room for. After fewer than offered, the peer hears of room.
  package func receive(_ bytes: Span<UInt8>) -> Int {
    let count = state.withLock { state in
      let count = min(bytes.count, max(0, state.room - state.typed.count))
      for index in 0..<count { state.typed.append(bytes[index]) }
      state.hasRefused = count < bytes.count
      return count
    }
    if count > 0 { attention.signal() }
    return count
  }

  /// The peer, having taken fewer bytes than offered, can take some again.
  package func transmitterHasRoom() { attention.signal() }

  /// The window's size, zeros when nobody knows. The driver hears of a change.
  package var size: TerminalSize {
    get { state.withLock { $0.size } }
    set {
      let hasChanged = state.withLock { state in
        defer { state.size = newValue }
        return state.size != newValue
      }
      if hasChanged { attention.signal() }
    }
  }

  // MARK: The device's side

  /// Hands over what was typed, at most `room` bytes, which is what the driver's next buffer holds. When nothing was,
  /// the host may type that much.
  func takeTyped(room: Int) -> [UInt8] {
    let (bytes, mustTell) = state.withLock { state in
      let bytes = Array(state.typed.prefix(room))
      state.typed.removeFirst(bytes.count)
      state.room = bytes.isEmpty ? room : 0
      let mustTell = state.hasRefused && state.room > 0
      if mustTell { state.hasRefused = false }
      return (bytes, mustTell)
    }
    if mustTell { peer.receiverHasRoom() }
    return bytes
  }

  /// The driver has no buffer: nothing is taken.
  func close() { state.withLock { $0.room = 0 } }
}
