import Host

/// Lets in whoever connects to a socket.
///
/// While this process or the host has no descriptor for one more (EMFILE, ENFILE), who comes waits in the socket's
/// queue. The socket stays readable then, which an event loop would report without end: so it is not listened to until
/// a moment later.
final class Entrance {
  private let socket: Int32
  private let loop: EventLoop
  private let retry: TimerFD
  /// In nanoseconds.
  private static let pause: UInt64 = 200_000_000

  /// - Parameter admit: takes all who have connected; it throws when one cannot be accepted.
  init(
    at socket: Int32, on loop: EventLoop, admit: @escaping () throws(SystemCallError) -> Void
  ) throws(SystemCallError) {
    self.socket = socket
    self.loop = loop
    retry = try TimerFD()
    try loop.add(retry.number, .readable) { [unowned self] _ in
      retry.acknowledge()
      loop.change(socket, to: .readable)
    }
    try loop.add(socket, .readable) { [unowned self] _ in
      do throws(SystemCallError) { try admit() } catch {
        loop.change(socket, to: [])
        retry.arm(at: .now.advanced(byNanoseconds: Self.pause))
      }
    }
  }

  deinit {
    loop.remove(socket)
    loop.remove(retry.number)
  }
}
