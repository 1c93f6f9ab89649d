import CLinux
import Glibc
import Host
import Testing

@testable import Machine

/// A console at a TCP port, and the tools that come there: slow, silent, and too many.
@Suite(.timeLimit(.minutes(1))) struct ConsolePortTests {
  private let line: ConsoleLine
  private let listener: TCPListener
  private let history: ConsoleHistory
  private let port: ConsolePort

  init() throws {
    line = try ConsoleLine()
    listener = try TCPListener(at: LoopbackAddress("127.0.0.1:0"))
    history = try ConsoleHistory()
    port = try ConsolePort(at: listener, on: line.loop, input: line.input, history: history)
  }

  /// What the relay does with all that the guest says.
  private func say(_ bytes: [UInt8]) {
    history.append(bytes)
    port.show(bytes)
  }

  /// A tool that has connected, by a socket of its own.
  private final class Tool {
    let socket: Descriptor
    private(set) var isCutOff = false

    init(_ address: LoopbackAddress) throws {
      let isIPv6 = address.host == "::1"
      socket = Descriptor(owning: Glibc.socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0))
      let outcome: Int32
      if isIPv6 {
        var place = sockaddr_in6()
        place.sin6_family = UInt16(AF_INET6)
        place.sin6_port = address.port.bigEndian
        place.sin6_addr = in6addr_loopback
        outcome = Self.connect(socket.number, place)
      } else {
        var place = sockaddr_in()
        place.sin_family = UInt16(AF_INET)
        place.sin_port = address.port.bigEndian
        place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        outcome = Self.connect(socket.number, place)
      }
      try #require(outcome == 0)
      try socket.makeNonBlocking()
    }

    private static func connect<Address>(_ socket: Int32, _ address: Address) -> Int32 {
      // SAFETY: a local copy of the family's own type, with its true size.
      unsafe withUnsafePointer(to: address) { address in
        unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe Glibc.connect(socket, $0, socklen_t(MemoryLayout<Address>.size))
        }
      }
    }

    /// What has come.
    func read() -> [UInt8] {
      var all: [UInt8] = []
      while let bytes = try? socket.read(atMost: 1 << 20) {
        isCutOff = bytes.isEmpty
        if isCutOff { break }
        all += bytes
      }
      return all
    }

    func endInput() { shutdown(socket.number, Int32(SHUT_WR)) }
  }

  private func tool() throws -> Tool {
    let tool = try Tool(listener.address)
    try line.settle()
    return tool
  }

  @Test("Bytes go through as they are, to all and from all")
  func bytes() throws {
    let (first, second) = (try tool(), try tool())
    let all = (0...255).map(UInt8.init)
    say(all)
    #expect(first.read() == all && second.read() == all)
    try first.socket.writeAll(String(decoding: 0..<128, as: UTF8.self))
    #expect(try line.read() == Array(0..<128))
    try second.socket.writeAll("two")
    #expect(try line.read() == Array("two".utf8))
  }

  @Test("Who connects late, or again, is shown what was said last")
  func replay() throws {
    let said = (0..<100_000).map { UInt8(0x20 + ($0 &* 31 >> 3) % 0x5f) }
    say(said)
    for _ in 0..<3 {
      var got: [UInt8] = []
      let tool = try tool()
      while got.count < 64 << 10, !tool.isCutOff {
        got += tool.read()
        try line.settle(milliseconds: 1)
      }
      #expect(got == Array(said.suffix(64 << 10)))
    }
  }

  @Test("Who does not read is cut off in the end, and nobody waits for it")
  func slowTool() throws {
    let (slow, quick) = (try tool(), try tool())
    let piece = [UInt8](repeating: 0x2e, count: 4096)
    var taken = 0
    // The kernels of both sides keep some MiB for the slow one; beyond that nobody keeps it.
    for _ in 0..<4000 {
      say(piece)
      taken += quick.read().count
    }
    try line.settle()
    taken += quick.read().count
    #expect(taken == 4000 * piece.count)
    #expect(slow.read().count < taken && slow.isCutOff)
    #expect(!quick.isCutOff)
  }

  @Test("Who types more than the guest takes waits, and nothing is lost")
  func fastTyper() throws {
    let tool = try tool()
    let typed = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var sent = 0
    var got: [UInt8] = []
    while got.count < typed.count {
      while sent < typed.count {
        let piece = Array(typed[sent..<min(sent + 10_000, typed.count)])
        // SAFETY: the array's own memory, for the call.
        let count = try? unsafe piece.withUnsafeBytes { unsafe try tool.socket.sendWithoutWaiting($0) }
        guard let count else { break }
        sent += count
      }
      got += try line.read()
    }
    #expect(got == typed)
  }

  @Test("Who has said all still reads")
  func halfClosed() throws {
    let tool = try tool()
    try tool.socket.writeAll("last words")
    tool.endInput()
    #expect(try line.read() == Array("last words".utf8))
    say(Array("answer".utf8))
    #expect(tool.read() == Array("answer".utf8))
    #expect(!tool.isCutOff)
  }

  @Test("Those who have gone unseen make way, those who are there do not")
  func many() throws {
    let stays = try tool()
    for _ in 0..<100 { _ = try tool() }
    say([1])
    #expect(stays.read() == [1])
    let others = try (0..<15).map { _ in try tool() }
    let tooMany = try tool()
    _ = tooMany.read()
    #expect(tooMany.isCutOff)
    say([2])
    #expect((others + [stays]).allSatisfy { $0.read().last == 2 })
  }

  @Test("A port that another has is refused, and may be taken when that has gone")
  func taken() throws {
    #expect(throws: SystemCallError("bind", .addressInUse)) { try TCPListener(at: listener.address) }
    var first: TCPListener? = try TCPListener(at: LoopbackAddress("127.0.0.1:0"))
    let address = try #require(first?.address)
    let tool = try Tool(address)
    // Closed here first, the connection is the one that waits for its last packets.
    _ = try first?.accept()
    first = nil
    _ = try TCPListener(at: address)
    _ = tool.read()
  }

  @Test("IPv6 as well")
  func ipv6() throws {
    let listener = try TCPListener(at: LoopbackAddress("[::1]:0"))
    #expect(listener.address.description.hasPrefix("[::1]:") && listener.address.port != 0)
    let port = try ConsolePort(at: listener, on: line.loop, input: line.input, history: history)
    let tool = try Tool(listener.address)
    try line.settle()
    port.show([6])
    #expect(tool.read() == [6])
  }
}
