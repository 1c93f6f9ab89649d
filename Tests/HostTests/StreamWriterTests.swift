import Glibc
import Host
import Testing

@Suite("Bytes for slow readers")
struct StreamWriterTests {
  private let loop: EventLoop
  private let reading: SharedDescriptor
  private let writer: StreamWriter
  private static let limit = 100_000

  init() throws {
    loop = try EventLoop()
    let pipe = try Pipe()
    reading = SharedDescriptor(try .duplicate(of: pipe.reading.number))
    try reading.descriptor.makeNonBlocking()
    let writing = SharedDescriptor(try .duplicate(of: pipe.writing.number))
    try writing.descriptor.makeNonBlocking()
    writer = StreamWriter(to: ByteSink(writing), limit: Self.limit, loop: loop)
  }

  /// How often this thread has asked the kernel to write something (proc(5), io).
  private func writes() throws -> Int {
    let bytes = try Descriptor.open("/proc/thread-self/io", .readOnly).read(atMost: 4096)
    let text = String(decoding: bytes, as: UTF8.self)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("syscw: ") })
    return try #require(Int(line.dropFirst("syscw: ".count)))
  }

  /// Handles what is ready.
  private func turn() throws {
    let event = try EventFD()
    try loop.add(event.number, .readable) { [loop] _ in loop.stop() }
    event.signal()
    try loop.run()
    loop.remove(event.number)
  }

  private func read() throws -> [UInt8] {
    var all: [UInt8] = []
    while let bytes = try? reading.descriptor.read(atMost: 1 << 16), !bytes.isEmpty { all += bytes }
    return all
  }

  @Test func eachChunkIsOneCall() throws {
    let before = try writes()
    for number in 0..<100 as Range<UInt8> { writer.write([number, number]) }
    #expect(try writes() - before == 100)
    #expect(try read() == (0..<100).flatMap { [$0, $0] })
  }

  /// A full pipe is asked once, and again when it has room; then all that has gathered goes at once.
  @Test func waitingCostsNoCalls() throws {
    var all: [UInt8] = []
    func write(_ count: Int) {
      let bytes = [UInt8](repeating: UInt8(all.count / 7 & 0xff), count: count)
      all += bytes
      writer.write(bytes)
    }
    while writer.isEmpty { write(4096) }
    let before = try writes()
    for count in 1...100 { write(count) }
    #expect(try writes() == before)
    #expect(writer.hasRoom)

    var got = try read()
    try turn()
    #expect(writer.isEmpty)
    // What comes with the loop's own wake-up, one, and the writer's.
    #expect(try writes() - before == 2)
    got += try read()
    #expect(got == all)
  }

  @Test func whoNeverWaitsLosesTheOldest() throws {
    var kept = 0
    while writer.isEmpty {
      writer.write([UInt8](repeating: 1, count: 4096))
      kept += 4096
    }
    for number in 2..<6 as Range<UInt8> {
      writer.write([UInt8](repeating: number, count: Self.limit / 2))
      kept += Self.limit / 2 - writer.keepLast()
    }
    #expect(!writer.hasRoom)
    var got: [UInt8] = []
    while !writer.isEmpty {
      got += try read()
      try turn()
    }
    got += try read()
    #expect(got.count == kept)
    let rest = got.drop { $0 == 1 }
    #expect(Array(rest) == [4, 5].flatMap { [UInt8](repeating: $0, count: Self.limit / 2) })
  }

  @Test func tellsThatTheReaderHasGone() throws {
    signal(SIGPIPE, SIG_IGN)
    let pipe = try Pipe()
    let writing = SharedDescriptor(try .duplicate(of: pipe.writing.number))
    try writing.descriptor.makeNonBlocking()
    let gone = StreamWriter(to: ByteSink(writing), limit: 1, loop: loop)
    var changes = 0
    gone.whenChanged = { changes += 1 }
    drop(pipe)
    gone.write([1])
    #expect(gone.isClosed && changes == 1)
  }

  private func drop(_ pipe: consuming Pipe) {}
}
