import Glibc
import Host
import Testing

@testable import Virtio

/// A ``FrameSocket`` whose other end the test holds.
@Suite("Frames on a socket")
struct FrameSocketTests {
  private let socket: FrameSocket
  private let other: SharedDescriptor

  init() {
    var ends: [Int32] = [0, 0]
    // SAFETY: the call fills the array's two entries.
    unsafe #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    socket = FrameSocket(Host.Descriptor(owning: ends[0]))
    other = SharedDescriptor(Host.Descriptor(owning: ends[1]))
  }

  private func frame(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) } }

  private func receive() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0xff, count: NetworkHeader.frameBytes.upperBound)
    // SAFETY: the array has room for the largest frame.
    return unsafe buffer.withUnsafeMutableBytes { unsafe socket.receive(into: $0) }.map { Array(buffer[..<$0]) }
  }

  private func send(_ frame: [UInt8]) -> Bool {
    // SAFETY: the array is only read.
    unsafe frame.withUnsafeBytes { unsafe socket.send($0) }
  }

  private func write(_ bytes: [UInt8]) throws {
    // SAFETY: the array is only read.
    #expect(try unsafe bytes.withUnsafeBytes { unsafe try other.descriptor.write($0) } == bytes.count)
  }

  private func readOther() throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 100_000)
    // SAFETY: the array's own memory.
    let count = try unsafe buffer.withUnsafeMutableBytes { unsafe try other.descriptor.read(into: $0) }
    return Array(buffer[..<count])
  }

  @Test func framesCutAnywhere() throws {
    #expect(receive() == nil)
    let stream = [0, 0, 0, 14] + frame(14) + [0, 0, 1, 0] + frame(256)
    for cut in 1..<stream.count {
      try write(Array(stream[..<cut]))
      var got: [[UInt8]] = []
      while let packet = receive() { got.append(packet) }
      try write(Array(stream[cut...]))
      while let packet = receive() { got.append(packet) }
      #expect(got == [frame(14), frame(256)])
    }
    #expect(!socket.isGone)
  }

  @Test func theLargestFrame() throws {
    let largest = frame(NetworkHeader.frameBytes.upperBound)
    try write([0, 1, 0, 14] + largest)
    #expect(receive() == largest)
  }

  @Test(arguments: [[0, 0, 0, 0], [0, 0, 0, 13], [0, 1, 0, 15], [0xff, 0xff, 0xff, 0xff]] as [[UInt8]])
  func lengthsThatCannotBe(length: [UInt8]) throws {
    try write([0, 0, 0, 20] + frame(20) + length + frame(100))
    #expect(receive() == frame(20))
    #expect(receive() == nil)
    #expect(socket.isGone)
  }

  @Test func theOtherEndGoesInTheMiddleOfAFrame() throws {
    try write([0, 0, 0, 100] + frame(50))
    #expect(receive() == nil)
    #expect(!socket.isGone)
    #expect(shutdown(other.number, Int32(SHUT_WR)) == 0)
    #expect(receive() == nil)
    #expect(socket.isGone)
  }

  @Test func framesThatAreFlushedTogether() throws {
    #expect(send(frame(60)))
    #expect(send(frame(61)))
    socket.flush()
    #expect(try readOther() == [0, 0, 0, 60] + frame(60) + [0, 0, 0, 61] + frame(61))
  }

  /// More than the socket takes: the rest is sent later, and frames stay whole.
  @Test func framesToASlowSocket() throws {
    var accepted = 0
    while send(frame(60_000)) { accepted += 1 }
    #expect(accepted > 1)
    #expect(socket.isFull)
    var stream: [UInt8] = []
    while stream.count < accepted * 60_004 {
      stream += try readOther()
      socket.flush()
    }
    #expect(!socket.isFull)
    for index in 0..<accepted {
      let start = index * 60_004
      #expect(stream[start..<start + 4] == [0, 0, 0xea, 0x60])
      #expect(Array(stream[start + 4..<start + 60_004]) == frame(60_000))
    }
  }
}
