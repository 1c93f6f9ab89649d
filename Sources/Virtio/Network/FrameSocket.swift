import Glibc
import Host

/// A connected stream socket with frames on it: each behind its length, four bytes with the highest first, as passt and
/// QEMU's `-netdev stream` have it.
///
/// Whoever is at the other end may send anything, or nothing, or not read: what it sends is checked here and bounded,
/// and nothing waits for it.
final class FrameSocket {
  private static let lengthBytes = 4
  /// So much is sent at once, and no more than this and a frame is kept while the other end does not read.
  private static let batchBytes = 65_536

  /// For how many milliseconds the other end may take nothing when all is to be sent.
  private static let patience = 100

  private let socket: Host.Descriptor
  /// The other end has closed, or has sent what is no frame: this one is of no use any more.
  private(set) var isGone = false

  /// Frames that the socket has not taken yet, the first perhaps in part.
  private var outgoing: [UInt8] = []
  private var outgoingStart = 0
  /// The socket has no room: the rest is sent when it is writable.
  private(set) var isFull = false

  /// What has come, from `incomingStart` to `incomingEnd`: whole frames, and the start of one.
  private var incoming = [UInt8](repeating: 0, count: 2 * (lengthBytes + NetworkHeader.frameBytes.upperBound))
  private var incomingStart = 0
  private var incomingEnd = 0

  /// - Parameter socket: connected; it need not be non-blocking.
  init(_ socket: consuming Host.Descriptor) {
    self.socket = socket
    outgoing.reserveCapacity(Self.batchBytes + Self.lengthBytes + NetworkHeader.frameBytes.upperBound)
  }

  var number: Int32 { socket.number }

  // MARK: To the socket

  /// Takes a frame, to be sent at the next ``flush()`` at the latest.
  ///
  /// - Returns: false when so much waits already that it was not taken.
  func send(_ frame: UnsafeRawBufferPointer) -> Bool {
    if outgoing.count - outgoingStart >= Self.batchBytes { flush() }
    if isFull { return false }
    for shift in [24, 16, 8, 0] { outgoing.append(UInt8(truncatingIfNeeded: frame.count >> shift)) }
    // SAFETY: the caller's bytes are copied during the call.
    unsafe outgoing.append(contentsOf: frame)
    return true
  }

  /// Sends what the socket takes now.
  func flush() {
    isFull = false
    while outgoingStart < outgoing.count, !isGone {
      do throws(SystemCallError) {
        outgoingStart += try sendRest()
      } catch where error.errno == .again {
        isFull = true
        return
      } catch where error.errno == .interrupted {
        continue
      } catch {
        isGone = true
      }
    }
    outgoing.removeAll(keepingCapacity: true)
    outgoingStart = 0
  }

  /// Sends what is left for as long as the other end goes on to take some of it: it has been counted as sent.
  func drain() {
    var idle = 0
    flush()
    while isFull, idle < Self.patience {
      usleep(1000)
      let left = outgoing.count - outgoingStart
      flush()
      idle = outgoing.count - outgoingStart < left ? 0 : idle + 1
    }
  }

  private func sendRest() throws(SystemCallError) -> Int {
    // SAFETY: the array keeps its bytes in place for the call, which only reads them.
    try unsafe outgoing.withUnsafeBytes { bytes in
      Result { () throws(SystemCallError) in
        unsafe try socket.sendWithoutWaiting(UnsafeRawBufferPointer(rebasing: bytes[outgoingStart...]))
      }
    }.get()
  }

  // MARK: From the socket

  /// Takes the next frame that has come.
  ///
  /// - Parameter buffer: has room for the largest frame.
  /// - Returns: its length, nil when there is none now.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    // SAFETY: the caller's buffer, for the call.
    if let count = unsafe takeFrame(into: buffer) { return count }
    fill()
    return unsafe takeFrame(into: buffer)
  }

  private func takeFrame(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard incomingEnd - incomingStart >= Self.lengthBytes, !isGone else { return nil }
    let count = incoming[incomingStart..<incomingStart + Self.lengthBytes].reduce(0) { $0 << 8 | Int($1) }
    guard NetworkHeader.frameBytes.contains(count) else {
      // Nobody can tell any more where a frame starts.
      isGone = true
      return nil
    }
    guard incomingEnd - incomingStart >= Self.lengthBytes + count else { return nil }
    let start = incomingStart + Self.lengthBytes
    // SAFETY: the buffer has room for the largest frame, which this one is not larger than.
    unsafe buffer.copyBytes(from: incoming[start..<start + count])
    incomingStart = start + count
    return count
  }

  private func fill() {
    // What is there is less than a frame: moved to the front, it leaves room for the rest.
    if incomingStart > 0 {
      incoming.replaceSubrange(0..<incomingEnd - incomingStart, with: incoming[incomingStart..<incomingEnd])
      incomingEnd -= incomingStart
      incomingStart = 0
    }
    guard incomingEnd < incoming.count, !isGone else { return }
    do throws(SystemCallError) {
      let count = try receiveMore()
      incomingEnd += count
      if count == 0 { isGone = true }
    } catch {
      if error.errno != .again, error.errno != .interrupted { isGone = true }
    }
  }

  private func receiveMore() throws(SystemCallError) -> Int {
    let end = incomingEnd
    // SAFETY: the buffer is the array's own, from its first free byte on.
    return try unsafe incoming.withUnsafeMutableBytes { bytes in
      Result { () throws(SystemCallError) in
        unsafe try socket.receiveWithoutWaiting(into: UnsafeMutableRawBufferPointer(rebasing: bytes[end...]))
      }
    }.get()
  }
}
