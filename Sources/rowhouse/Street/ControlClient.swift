import CLinux
import Control
import Host

/// Asks a guest's VMM, one request at a time.
struct ControlClient {
  private let socket: SharedDescriptor
  private var reader = FrameReader()
  private var lastID: UInt32 = 0

  /// How long a VMM may take to answer, in nanoseconds.
  static let patience: UInt64 = 5_000_000_000

  enum Failure: Error {
    /// The VMM has gone.
    case gone
    case silent
    /// So many wait to be served that the kernel takes no more: a VMM that runs has fewer of them.
    case full
    case refused(ControlFault)
    case host(SystemCallError)

    /// Whether the VMM may be there, and says nothing.
    var isNoAnswer: Bool {
      switch self {
      case .silent, .full: true
      case .gone, .refused, .host: false
      }
    }
  }

  init(_ folder: GuestFolder) throws(Failure) {
    do throws(SystemCallError) {
      socket = SharedDescriptor(try folder.connect(to: .control))
    } catch where error.errno == .noSuchFile || error.errno == .connectionRefused {
      throw .gone
    } catch where error.errno == .again {
      throw .full
    } catch {
      throw .host(error)
    }
  }

  /// Sends a request and waits for its reply.
  ///
  /// - Parameter deadline: `nil`: no limit, for ``ControlRequest/awaitEnd``.
  mutating func ask(
    _ request: ControlRequest, until deadline: Instant? = .now.advanced(byNanoseconds: patience)
  ) throws(Failure) -> ControlReply {
    send(request)
    return try awaitReply(until: deadline)
  }

  /// Sends a request, whose reply is for ``awaitReply(until:)``.
  mutating func send(_ request: ControlRequest) {
    lastID += 1
    // A VMM that has ended the connection may have said why, which the wait for the reply finds.
    // SAFETY: the array's own memory, for the call. A request fits in what the kernel holds for a socket.
    _ = try? unsafe request.frame(id: lastID).bytes.withUnsafeBufferPointer { bytes throws(SystemCallError) in
      unsafe try socket.descriptor.sendWithoutWaiting(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Waits for the reply to the last request.
  mutating func awaitReply(until deadline: Instant?) throws(Failure) -> ControlReply {
    while true {
      let frame: Frame?
      do throws(FrameReader.Fault) { frame = try reader.next() } catch {
        if case .unknownVersion = error { throw .refused(.otherVersion) }
        throw .gone
      }
      if let frame {
        // What has the id 0 is no reply to a request: the connection is refused.
        guard frame.id == lastID || frame.id == 0, let reply = ControlReply(frame) else { continue }
        if case .refused(let fault) = reply { throw .refused(fault) }
        return reply
      }
      try receive(until: deadline)
    }
  }

  private mutating func receive(until deadline: Instant?) throws(Failure) {
    let left = deadline.map { Int32(clamping: $0.nanoseconds(since: .now) / 1_000_000 + 1) } ?? -1
    let ready = linux_poll_readable(socket.number, left)
    if ready == -Errno.interrupted.rawValue { return }
    if ready == 0, let deadline, Instant.now >= deadline { throw .silent }
    guard ready > 0 else { return }
    let bytes = try? socket.descriptor.read(atMost: 4096)
    guard let bytes, !bytes.isEmpty else { throw .gone }
    reader.append(bytes)
  }
}
