import Glibc
import Host
import Testing

@testable import rowhouse

@Suite("The metrics' server", .timeLimit(.minutes(1)))
struct MetricsServerTests {
  @Test("An answer that no socket's buffer holds comes whole, also on a connection that is then closed")
  func largeAnswers() throws {
    let text = String(repeating: "x", count: 32 << 20)
    let (channel, place) = try MetricsServer("127.0.0.1:0").open { _ in text }
    defer { channel.close(promise: nil) }
    let client = try connect(to: place.port)
    try client.writeAll("GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    var (answer, chunk): ([UInt8], [UInt8]) = ([], [0])
    while !chunk.isEmpty {
      chunk = try client.read(atMost: 1 << 16)
      answer += chunk
    }
    let head = try #require(answer.prefix(1024).firstRange(of: Array("\r\n\r\n".utf8)))
    #expect(answer.starts(with: Array("HTTP/1.1 200 OK\r\n".utf8)))
    #expect(answer.count - head.upperBound == text.utf8.count)
  }

  /// Connects to a port of 127.0.0.1. Little of what is sent there finds room while nobody reads it.
  private func connect(to port: UInt16) throws -> Descriptor {
    let client = Descriptor(owning: try checked("socket", socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)))
    var room: Int32 = 4096
    // SAFETY: a local variable, and its true size.
    unsafe setsockopt(client.number, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    // SAFETY: a sockaddr_in is what an address of AF_INET is, and its size is told.
    let outcome = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(client.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try checked("connect", outcome < 0 ? -errno : 0)
    return client
  }
}
