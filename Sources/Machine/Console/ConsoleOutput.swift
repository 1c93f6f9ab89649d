import Devices
import Glibc
import Host
import Metering
import Synchronization

/// What the guest says, on its way from a vCPU's thread to the I/O thread.
///
/// The vCPU leaves each byte in a ring and goes on. The first byte of a burst wakes the I/O thread; while that is awake
/// it comes back by itself, so that a burst costs one system call and not one a byte.
final class ConsoleOutput: SerialPeer, Sendable {
  private struct State: ~Copyable {
    var ring: ByteRing
    var watch = PanicWatch()
    var hasSpoken = false
    /// The I/O thread will look at the ring without being woken.
    var isAwaited = false
    /// The UART was told that there is no room, and waits to hear that there is.
    var hasRefused = false
    /// The host has not taken a byte for so long that the guest no longer waits for it.
    var isStalled = false
  }

  /// Signalled when the I/O thread should look at the ring or at the panic watch.
  let wake: EventFD
  /// Signalled when the UART can take input again.
  let inputRoom: EventFD
  private let state: Mutex<State>
  private let meter: MeterPage

  /// How long a guest that sends without asking waits for a host that takes nothing, in steps of a millisecond.
  private static let stallMilliseconds = 50

  init(meter: MeterPage) throws(SystemCallError) {
    self.meter = meter
    wake = try EventFD()
    inputRoom = try EventFD()
    state = Mutex(State(ring: try ByteRing(capacity: 64 << 10)))
  }

  // MARK: The UART's side

  package func transmit(_ byte: UInt8) -> Bool {
    var isFirst = false
    var wakes = false
    let isTaken = state.withLock { state in
      let isTaken = state.ring.append(byte)
      var panicChanged = false
      if isTaken {
        isFirst = !state.hasSpoken
        state.hasSpoken = true
        panicChanged = state.watch.feed(byte)
      } else {
        state.hasRefused = true
        state.watch.holdUp()
      }
      wakes = !state.isAwaited || panicChanged
      state.isAwaited = true
      return isTaken
    }
    if isFirst { meter.reached(.firstConsoleByte) }
    if wakes { wake.signal() }
    return isTaken
  }

  package func waitForRoom() -> Bool {
    for _ in 0..<Self.stallMilliseconds {
      let (hasRoom, isStalled) = state.withLock { (!$0.ring.isFull, $0.isStalled) }
      if hasRoom { return true }
      if isStalled { break }
      usleep(1000)
    }
    state.withLock { $0.isStalled = true }
    return false
  }

  /// Nobody will read the byte, but what it says of the guest still counts.
  func drop(_ byte: UInt8) {
    meter.count(1, .dropped)
    if state.withLock({ $0.watch.feed(byte) }) { wake.signal() }
  }

  package func receiverHasRoom() { inputRoom.signal() }

  // MARK: The I/O thread's side

  /// Hands the bytes at the front to `take`, which says how many it took, 0 for none now, and how many of these went
  /// nowhere.
  ///
  /// - Returns: whether the UART must be told that there is room again.
  func withFront(_ take: (UnsafeRawBufferPointer) -> (taken: Int, lost: Int)) -> Bool {
    // SAFETY: the front stays as it is until removeFirst, and only this thread calls that.
    let front = state.withLock { state in unsafe Front(bytes: state.ring.front) }
    guard unsafe !front.bytes.isEmpty else { return false }
    let (count, lost) = unsafe take(front.bytes)
    guard count > 0 else { return false }
    meter.count(count - lost, .output)
    if lost > 0 { meter.count(lost, .dropped) }
    return state.withLock { state in
      state.ring.removeFirst(count)
      state.isStalled = false
      defer { state.hasRefused = false }
      return state.hasRefused
    }
  }

  var isEmpty: Bool { state.withLock { $0.ring.count == 0 } }

  /// Says that the I/O thread will not look again by itself.
  ///
  /// - Returns: false when there are bytes, and it must.
  func rest() -> Bool {
    state.withLock { state in
      state.isAwaited = state.ring.count > 0
      return !state.isAwaited
    }
  }

  var panic: PanicWatch.State { state.withLock { $0.watch.state } }

  /// Forgets a panic, when the guest starts anew.
  func forgetPanic() { state.withLock { $0.watch = PanicWatch() } }

  /// A pointer that may cross the lock's closure: see ``withFront(_:)``.
  @safe private struct Front: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
  }
}
