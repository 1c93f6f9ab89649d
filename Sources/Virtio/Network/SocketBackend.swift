import CLinux
import Host

/// A stream socket to another program or guest: each frame behind its length, four bytes with the highest first, as passt
/// and QEMU's `-netdev stream` have it.
package final class SocketBackend: NetworkBackend {
  private static let lengthBytes = 4

  private let socket: Host.Descriptor
  package let offloads = Features()
  package private(set) var isGone = false

  /// What the socket has not taken yet of the last frame sent.
  private var outgoing: [UInt8] = []
  private var outgoingStart = 0
  /// What has come, from `incomingStart` to `incomingEnd`: whole frames, and the start of one.
  private var incoming = [UInt8](repeating: 0, count: 2 * (lengthBytes + NetworkHeader.mostFrameBytes))
  private var incomingStart = 0
  private var incomingEnd = 0

  /// Connects to whoever listens at `path`.
  package convenience init(connectingTo path: String) throws(SystemCallError) {
    // SAFETY: the string outlives the call, which only reads it.
    let number = unsafe path.withCString { unsafe linux_connect($0) }
    self.init(Host.Descriptor(owning: try checked("connect", number)))
  }

  /// - Parameter socket: connected; it need not be non-blocking.
  package init(_ socket: consuming Host.Descriptor) { self.socket = socket }

  package var descriptor: Int32 { socket.number }
  package func use(_ offloads: Features) {}

  // MARK: To the socket

  package var isBlocked: Bool { !outgoing.isEmpty }

  package func send(_ packet: UnsafeRawBufferPointer) -> Bool {
    guard outgoing.isEmpty else { return false }
    if isGone { return true }
    let count = packet.count - NetworkHeader.byteCount
    for shift in [24, 16, 8, 0] { outgoing.append(UInt8(truncatingIfNeeded: count >> shift)) }
    // SAFETY: a packet has a header; the rest is the frame.
    unsafe outgoing.append(contentsOf: UnsafeRawBufferPointer(rebasing: packet.dropFirst(NetworkHeader.byteCount)))
    becameWritable()
    return true
  }

  package func becameWritable() {
    while outgoingStart < outgoing.count, !isGone {
      // SAFETY: the array keeps its bytes in place for the call, which only reads them.
      let sent = unsafe outgoing.withUnsafeBytes { bytes in
        Result { () throws(SystemCallError) in
          unsafe try socket.sendWithoutWaiting(UnsafeRawBufferPointer(rebasing: bytes[outgoingStart...]))
        }
      }
      do throws(SystemCallError) {
        outgoingStart += try sent.get()
      } catch where error.errno == .again {
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

  // MARK: From the socket

  package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    if let count = unsafe takeFrame(into: buffer) { return count }
    fill()
    return unsafe takeFrame(into: buffer)
  }

  /// A socket's frame has no checksum left to others, so the header is zeros.
  private func takeFrame(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard incomingEnd - incomingStart >= Self.lengthBytes, !isGone else { return nil }
    let count = incoming[incomingStart..<incomingStart + Self.lengthBytes].reduce(0) { $0 << 8 | Int($1) }
    guard count > 0, count <= NetworkHeader.mostFrameBytes else {
      // Nobody can tell any more where a frame starts.
      isGone = true
      return nil
    }
    guard incomingEnd - incomingStart >= Self.lengthBytes + count else { return nil }
    let start = incomingStart + Self.lengthBytes
    // SAFETY: the buffer has room for the largest packet, which this one is not larger than.
    for index in 0..<NetworkHeader.byteCount { unsafe buffer[index] = 0 }
    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.dropFirst(NetworkHeader.byteCount))
      .copyBytes(from: incoming[start..<start + count])
    incomingStart = start + count
    return NetworkHeader.byteCount + count
  }

  private func fill() {
    // What is there is less than a frame: moved to the front, it leaves room for the rest.
    if incomingStart > 0 {
      incoming.replaceSubrange(0..<incomingEnd - incomingStart, with: incoming[incomingStart..<incomingEnd])
      incomingEnd -= incomingStart
      incomingStart = 0
    }
    guard incomingEnd < incoming.count, !isGone else { return }
    // SAFETY: the buffer is the array's own, from its first free byte on.
    let got = unsafe incoming.withUnsafeMutableBytes { bytes in
      unsafe linux_receive_no_wait(socket.number, bytes.baseAddress! + incomingEnd, bytes.count - incomingEnd)
    }
    if got > 0 { incomingEnd += got }
    let again = -Int(Errno.again.rawValue)
    if got == 0 || got < 0 && got != again && got != -Int(Errno.interrupted.rawValue) { isGone = true }
  }
}
