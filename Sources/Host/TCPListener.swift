import CLinux
import Glibc

/// A TCP socket that programs of this machine connect to (tcp(7)). Neither it nor a connection ever waits.
package final class TCPListener: Sendable {
  /// Where it is, with the port that it was given.
  package let address: LoopbackAddress
  private let socket: Descriptor

  /// - Throws: `EADDRINUSE` when another has the port, `EACCES` when it is one that this user may not have.
  package init(at address: LoopbackAddress) throws(SystemCallError) {
    // SAFETY: the string outlives the call, which only reads it.
    socket = Descriptor(owning: try checked("bind", unsafe linux_listen_tcp(address.host, address.port)))
    let port = try checked("getsockname", linux_local_port(socket.number))
    self.address = address.with(port: UInt16(truncatingIfNeeded: port))
  }

  /// For an event loop.
  package var number: Int32 { socket.number }

  /// The next who has connected. What is sent there goes at once, however little it is: a key's echo must not wait.
  ///
  /// - Returns: nil when there is none.
  /// - Throws: when there is no descriptor left for it.
  package func accept() throws(SystemCallError) -> Descriptor? {
    guard let connection = try Descriptor.accept(at: socket.number) else { return nil }
    _ = linux_send_at_once(connection.number)
    return connection
  }
}
