import Control
import Foundation
import Glibc
import Host
import Testing

@testable import Machine

/// Peers at `control.sock`: strangers, silent, slow and greedy ones, and too many.
@Suite(.timeLimit(.minutes(1))) struct ControlServerTests {
  private let street: Street

  init() throws { street = try Street() }

  /// A server that does all it is asked, and the socket that it is at.
  private final class Street: ConsoleLine {
    let path = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"
    private var server: ControlServer!

    override init() throws {
      try super.init()
      server = try ControlServer(at: StreamListener(at: path), on: loop) { $0 == .awaitEnd ? nil : .done }
    }

    func end() { server.settle(.awaitEnd, .ended(code: 1, value: 0)) }
  }

  /// The other side of the socket.
  private final class Client {
    private let street: Street
    private let socket: Descriptor
    private var reader = FrameReader()
    private(set) var isCutOff = false

    /// - Parameter isMet: whether the server takes it in before this returns.
    init(_ street: Street, isMet: Bool = true) throws {
      self.street = street
      socket = try .connect(to: street.path)
      if isMet { try street.settle(milliseconds: 1) }
    }

    /// - Returns: whether the kernel has taken all of it.
    @discardableResult
    func send(_ bytes: some Collection<UInt8>) -> Bool {
      // SAFETY: the array's own memory, for the call.
      let count = try? unsafe Array(bytes).withUnsafeBytes { unsafe try socket.sendWithoutWaiting($0) }
      return count == bytes.count
    }

    func look() {
      while let bytes = try? socket.read(atMost: 1 << 16) {
        isCutOff = bytes.isEmpty
        if isCutOff { break }
        reader.append(bytes)
      }
    }

    /// What was said to it since it was last asked.
    func replies() throws -> [Frame] {
      look()
      var replies: [Frame] = []
      while let frame = try reader.next() { replies.append(frame) }
      return replies
    }

    /// Whether a request is answered.
    func isServed() throws -> Bool {
      send(ControlRequest.sample.frame(id: 5).bytes)
      try street.settle()
      look()
      return try reader.next() == ControlReply.done.frame(id: 5)
    }
  }

  @Test("One that begins a frame and does not end it is cut off, one that says nothing is not")
  func halfAFrame() throws {
    let (half, silent, served) = (try Client(street), try Client(street), try Client(street))
    half.send(ControlRequest.balloon(target: 4096).frame(id: 1).bytes.prefix(15))
    let start = Instant.now
    while !half.isCutOff && Instant.now.nanoseconds(since: start) < 30_000_000_000 {
      #expect(try served.isServed(), "the others are served meanwhile")
      try street.settle(milliseconds: 100)
      half.look()
    }
    #expect(half.isCutOff)
    #expect(Instant.now.nanoseconds(since: start) >= 5_000_000_000)
    #expect(try silent.isServed())
  }

  @Test("A frame that comes in pieces is a frame")
  func pieces() throws {
    let client = try Client(street)
    for byte in ControlRequest.balloon(target: 4096).frame(id: 4).bytes {
      client.send([byte])
      try street.settle(milliseconds: 2)
    }
    #expect(try client.isServed() == false, "the first answer is to what came in pieces")
    #expect(try client.isServed())
  }

  @Test("What cannot be a frame ends the connection, what is no request is refused")
  func nonsense() throws {
    let (long, old, unknown) = (try Client(street), try Client(street), try Client(street))
    long.send([1, 0x40, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0])
    old.send([0, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0])
    unknown.send(Frame(kind: 999, id: 1).bytes)
    try street.settle()
    #expect(try long.replies() == [])
    #expect(try old.replies() == [ControlReply.refused(.otherVersion).frame(id: 0)])
    #expect(try unknown.replies() == [ControlReply.refused(.unknownRequest).frame(id: 1)])
    #expect(long.isCutOff && old.isCutOff && !unknown.isCutOff)
  }

  @Test("One that leaves its replies unread is cut off")
  func greedy() throws {
    let (greedy, other) = (try Client(street), try Client(street))
    let requests = (1...300).flatMap { ControlRequest.sample.frame(id: $0).bytes }
    var isTaken = true
    for _ in 0..<1000 where isTaken {
      isTaken = greedy.send(requests)
      try street.settle(milliseconds: 1)
    }
    #expect(!isTaken)
    try street.settle()
    greedy.look()
    #expect(greedy.isCutOff)
    #expect(try other.isServed())
  }

  @Test("Of too many at once the last are told so")
  func many() throws {
    let clients = try (0..<66).map { _ in try Client(street, isMet: false) }
    try street.settle()
    for tooMany in clients[64...] {
      #expect(try tooMany.replies() == [ControlReply.refused(.busy).frame(id: 0)])
      #expect(tooMany.isCutOff)
    }
    #expect(try clients[..<64].allSatisfy { try $0.isServed() })
  }

  @Test("Of 64 the one that has been silent for longest makes way")
  func silent() throws {
    let clients = try (0..<64).map { _ in try Client(street, isMet: false) }
    try street.settle(milliseconds: 1100)
    #expect(try clients[0].isServed())
    for _ in 0..<3 { #expect(try Client(street).isServed()) }
    let cutOff = try clients.indices.filter { index in
      _ = try clients[index].replies()
      return clients[index].isCutOff
    }
    #expect(!cutOff.isEmpty && cutOff.count <= 3 && !cutOff.contains(0))
  }

  @Test("Of 64 who all go on asking the one that came first makes way")
  func busy() throws {
    let clients = try (0..<64).map { _ in try Client(street, isMet: false) }
    try street.settle(milliseconds: 1100)
    #expect(try clients.allSatisfy { try $0.isServed() })
    for client in clients { client.send(ControlRequest.sample.frame(id: 6).bytes) }
    #expect(try Client(street).isServed())
    let cutOff = try clients.indices.filter { index in
      _ = try clients[index].replies()
      return clients[index].isCutOff
    }
    #expect(cutOff.count == 1)
  }

  @Test("Those who wait for the guest's end take nobody's place, and are told of it")
  func waiting() throws {
    let waiting = try (0..<100).map { number in
      let client = try Client(street)
      client.send(ControlRequest.awaitEnd.frame(id: 7).bytes)
      return client
    }
    let clients = try (0..<64).map { _ in try Client(street) }
    #expect(try clients.allSatisfy { try $0.isServed() })
    try street.settle(milliseconds: 1100)
    for _ in 0..<70 { #expect(try Client(street).isServed()) }
    street.end()
    for client in waiting { #expect(try client.replies() == [ControlReply.ended(code: 1, value: 0).frame(id: 7)]) }
  }

  @Test("What waits has a limit, and who is beyond it is served all the same")
  func waitingTooLong() throws {
    let (greedy, late) = (try Client(street), try Client(street))
    for id in 1...256 { greedy.send(ControlRequest.awaitEnd.frame(id: UInt32(id)).bytes) }
    try street.settle()
    late.send(ControlRequest.awaitEnd.frame(id: 1).bytes)
    try street.settle()
    #expect(try late.replies() == [ControlReply.refused(.busy).frame(id: 1)])
    #expect(try late.isServed())
  }

  @Test(
    "Another user is not let in, however open the folder is",
    .enabled(if: geteuid() == 0, "ANOTHER USER'S CONNECTION WAS NOT TESTED: only root can be another user"))
  func stranger() throws {
    // SAFETY: the string outlives the call, which only reads it.
    #expect(unsafe chmod(street.path, 0o777) == 0)
    #expect(try answer(asUser: 65534) == "")
    #expect(try answer(asUser: 0) != "")
  }

  /// What a process of that user is answered, in hexadecimal.
  private func answer(asUser user: Int) throws -> String {
    let request = ControlRequest.sample.frame(id: 1).bytes.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
    let script = """
      import socket, sys
      peer = socket.socket(socket.AF_UNIX)
      peer.connect(sys.argv[1])
      try:
          peer.sendall(bytes.fromhex(sys.argv[2]))
          print(peer.recv(100).hex(), end="")
      except ConnectionError:
          pass
      """
    let output = try Descriptor.memory(named: "answer")
    let nothing = try Descriptor.open("/dev/null", .readWrite)
    let program = try ChildProcess(
      "/usr/bin/setpriv",
      ["--reuid=\(user)", "--clear-groups", "/usr/bin/python3", "-c", script, street.path, request],
      descriptors: [nothing.number, output.number, STDERR_FILENO])
    while true {
      try street.settle()
      guard let end = try program.collect()?.end else { continue }
      #expect(end == .exited(status: 0))
      return String(decoding: try output.read(count: 1000, at: 0), as: UTF8.self)
    }
  }
}
