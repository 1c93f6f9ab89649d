import Devices
import Glibc
import Host
import Metering
import Synchronization
import Virtio

/// What the guest says, by its serial port and its virtio console, on its way to the I/O thread.
///
/// The vCPU leaves each byte in a ring and goes on. The first byte of a burst wakes the I/O thread; while that is awake
/// it comes back by itself, so that a burst costs one system call and not one a byte.
final class ConsoleOutput: SerialPeer, ConsolePeer, Sendable {
  private struct State: ~Copyable {
    var ring: ByteRing
    /// One for each device: a kernel may say the same on both.
    var serialWatch = PanicWatch()
    var virtioWatch = PanicWatch()
    var hasSpoken = false
    /// Where the guest's first byte goes at once.
    var firstSink: ByteSink?
    /// The I/O thread will look at the ring without being woken.
    var isAwaited = false
    /// A device was told that there is no room, and waits to hear that there is.
    var hasRefused = false
    /// When the virtio console was, since the host took bytes last.
    var refusal: Instant?
    /// The host has not taken a byte for so long that the guest no longer waits for it.
    var isStalled = false

    /// Whether these are the guest's first words.
    mutating func speaksFirst() -> Bool {
      defer { hasSpoken = true }
      return !hasSpoken
    }

    /// Whether the host has taken the serial port's first byte.
    mutating func sendFirst(_ byte: UInt8) -> Bool {
      guard let firstSink else { return false }
      let bytes: InlineArray<1, UInt8> = [byte]
      // SAFETY: a local variable that outlives the call.
      guard unsafe bytes.span.withUnsafeBytes({ unsafe (try? firstSink.write($0)) == 1 }) else { return false }
      // No panic begins and ends with it.
      _ = serialWatch.feed(byte)
      return true
    }

    /// Whether the I/O thread must be woken for what has changed.
    mutating func mustWake(forPanic panicChanged: Bool) -> Bool {
      defer { isAwaited = true }
      return !isAwaited || panicChanged
    }

    /// Whether the host has taken nothing for too long, asked when the ring is full.
    mutating func hasStalled(at now: Instant) -> Bool {
      if let refusal, now.nanoseconds(since: refusal) >= ConsoleOutput.patience { isStalled = true }
      if refusal == nil { refusal = now }
      return isStalled
    }
  }

  /// Signalled when the I/O thread should look at the ring or at the panic watch.
  let wake: EventFD
  /// Signalled when the device that is typed on can take input again.
  let inputRoom: EventFD
  private let state: Mutex<State>
  private let meter: MeterPage

  /// How long a guest waits for a host that takes nothing, in nanoseconds.
  private static let patience: UInt64 = 50_000_000
  package var patience: UInt64 { Self.patience }

  init(meter: MeterPage) throws(SystemCallError) {
    self.meter = meter
    wake = try EventFD()
    inputRoom = try EventFD()
    state = Mutex(State(ring: try ByteRing(capacity: 64 << 10)))
  }

  /// Has the first byte of the serial port written by the vCPU's own thread: that the guest lives shows without another
  /// thread having to be woken for it, which takes a tenth of a millisecond, or a slice of a busy CPU.
  ///
  /// - Parameter sink: all that the guest says goes there, and nowhere else; a write must not wait.
  func sendFirstByte(to sink: ByteSink) { state.withLock { $0.firstSink = sink } }

  // MARK: The UART's side

  package func transmit(_ byte: UInt8) -> Bool {
    var isFirst = false
    var isSent = false
    var wakes = false
    let isTaken = state.withLock { state in
      isFirst = state.speaksFirst()
      isSent = isFirst && state.sendFirst(byte)
      if isSent { return true }
      let isTaken = state.ring.append(byte)
      var panicChanged = false
      if isTaken {
        panicChanged = state.serialWatch.feed(byte)
      } else {
        state.hasRefused = true
        state.serialWatch.holdUp()
      }
      wakes = state.mustWake(forPanic: panicChanged)
      return isTaken
    }
    if isFirst { meter.reached(.firstConsoleByte) }
    if isSent { meter.count(1, .output) }
    if wakes { wake.signal() }
    return isTaken
  }

  package func waitForRoom() -> Bool {
    for _ in 0..<Self.patience / 1_000_000 {
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
    if state.withLock({ $0.serialWatch.feed(byte) }) { wake.signal() }
  }

  package func receiverHasRoom() { inputRoom.signal() }

  // MARK: The virtio console's side

  /// A host that takes nothing for a while must not keep a driver waiting, which may hold a lock of its kernel.
  package func transmit(_ bytes: Span<UInt8>) -> Int {
    var isFirst = false
    var wakes = false
    var lost = 0
    let taken = state.withLock { state in
      var count = 0
      var panicChanged = false
      func say(_ byte: UInt8) {
        if state.virtioWatch.feed(byte) { panicChanged = true }
        count += 1
      }
      while count < bytes.count, state.ring.append(bytes[count]) { say(bytes[count]) }
      isFirst = count > 0 && state.speaksFirst()
      if count < bytes.count {
        if state.hasStalled(at: .now) {
          while count < bytes.count {
            say(bytes[count])
            lost += 1
          }
        } else {
          state.hasRefused = true
          state.virtioWatch.holdUp()
        }
      }
      wakes = state.mustWake(forPanic: panicChanged)
      return count
    }
    if lost > 0 { meter.count(lost, .dropped) }
    if isFirst { meter.reached(.firstConsoleByte) }
    if wakes { wake.signal() }
    return taken
  }

  package func transmitAtOnce(_ byte: UInt8) {
    let bytes: InlineArray<1, UInt8> = [byte]
    if transmit(bytes.span) == 0 { meter.count(1, .dropped) }
  }

  // MARK: The I/O thread's side

  /// Hands the bytes at the front to `take`, which says how many it took, 0 for none now, and how many of these went
  /// nowhere.
  ///
  /// - Returns: whether the devices must be told that there is room again.
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
      state.refusal = nil
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

  var panic: PanicWatch.State { state.withLock { $0.serialWatch.state.joined(with: $0.virtioWatch.state) } }

  /// Forgets a panic, when the guest starts anew.
  func forgetPanic() {
    state.withLock { state in
      state.serialWatch = PanicWatch()
      state.virtioWatch = PanicWatch()
    }
  }

  /// A pointer that may cross the lock's closure: see ``withFront(_:)``.
  @safe private struct Front: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
  }
}
