import Testing

@testable import Control

@Suite("Frames") struct FrameTests {
  static let requests: [ControlRequest] = [
    .status, .powerButton, .kill, .balloon(target: 0x0123_4567_89ab_c000), .awaitEnd, .pause, .resume, .sample,
    .consolePlace, .memory,
    .allot([AllotmentChange(AllotmentItem(.quota), to: 2500)]),
    .allot([
      AllotmentChange(AllotmentItem(.network, index: 515, item: 12), to: 1 << 40),
      AllotmentChange(AllotmentItem(.period), to: 0),
    ]),
  ]
  static let replies: [ControlReply] =
    [
      .done, .status(GuestStatus()), .status(GuestStatus(balloon: .init(target: 1 << 40, actual: 4096))),
      .ended(code: 3, value: .max), .consolePlace("file:/tmp/é"), .memory(MemoryReport()), .memory(report),
    ] + ControlFault.allCases.map(ControlReply.refused)

  static let report = {
    var report = MemoryReport()
    report[.free] = 5
    report[.hugePageFailures] = .max
    return report
  }()

  @Test func bytesAreAsWrittenDown() {
    #expect(
      ControlReply.memory(Self.report).frame(id: 1).body
        == [0x10, 2, 5, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 255, count: 8))
    #expect(
      ControlRequest.balloon(target: 0x1000).frame(id: 0x0a0b_0c0d).bytes
        == [8, 0, 0, 0, 1, 0, 4, 0, 0x0d, 0x0c, 0x0b, 0x0a, 0, 0x10, 0, 0, 0, 0, 0, 0])
  }

  @Test(arguments: requests) func requestComesBack(request: ControlRequest) throws {
    #expect(try ControlRequest(request.frame(id: 7)) == request)
  }

  @Test(arguments: replies) func replyComesBack(reply: ControlReply) throws {
    #expect(ControlReply(reply.frame(id: 7)) == reply)
  }

  @Test(arguments: [1, 2, 3, 11, 12, 13, 1000]) func streamsAreCutAnywhere(step: Int) throws {
    let frames = Self.requests.enumerated().map { $1.frame(id: UInt32($0)) }
    let stream = frames.flatMap(\.bytes)
    var reader = FrameReader()
    var got: [Frame] = []
    for start in stride(from: 0, to: stream.count, by: step) {
      reader.append(stream[start..<min(start + step, stream.count)])
      while let frame = try reader.next() { got.append(frame) }
    }
    #expect(got == frames)
    #expect(!reader.isInsideFrame)
  }

  @Test func lengthAndVersionAreChecked() throws {
    var reader = FrameReader()
    reader.append([1, 0x40, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0])
    #expect(throws: FrameReader.Fault.tooLong(0x4001)) { try reader.next() }
    reader = FrameReader()
    reader.append([0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0])
    #expect(throws: FrameReader.Fault.unknownVersion(2)) { try reader.next() }
  }

  @Test func bodiesAreCheckedToTheirEnd() {
    #expect(throws: ControlFault.unknownRequest) { try ControlRequest(Frame(kind: 999, id: 1)) }
    #expect(throws: ControlFault.malformed) { try ControlRequest(Frame(kind: 4, id: 1, body: [1, 2, 3])) }
    #expect(throws: ControlFault.malformed) { try ControlRequest(Frame(kind: 1, id: 1, body: [0])) }
    for count in [0, 11, 13, 23] {
      let body = [UInt8](repeating: 0, count: count)
      #expect(throws: ControlFault.malformed) { try ControlRequest(Frame(kind: 16, id: 1, body: body)) }
    }
    #expect(ControlReply(Frame(kind: 0x8000, id: 1, body: [0])) == nil)
    #expect(ControlReply(Frame(kind: 0xffff, id: 1, body: [200, 0])) == nil)
    #expect(ControlReply(Frame(kind: 0x8001, id: 1, body: [2] + [UInt8](repeating: 0, count: 16))) == nil)
    #expect(ControlReply(Frame(kind: 0x8003, id: 1, body: Array("a\u{1b}[2J".utf8))) == nil)
    #expect(ControlReply(Frame(kind: 0x8003, id: 1, body: [0xff])) == nil)
    for body in [[0], [1, 0], [1, 0, 0], [0, 0, 0], [0, 4] + [UInt8](repeating: 0, count: 8)] as [[UInt8]] {
      #expect(ControlReply(Frame(kind: 0x8004, id: 1, body: body)) == nil)
    }
  }

  /// Whatever comes, a frame that is accepted is one that would be sent so.
  @Test func noiseIsNeverMistaken() throws {
    var generator = SystemRandomNumberGenerator()
    var accepted = 0
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...20, using: &generator)
      let body = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let frame = Frame(kind: .random(in: 0...20, using: &generator), id: 1, body: body)
      if let request = try? ControlRequest(frame) {
        accepted += 1
        #expect(request.frame(id: 1) == frame)
      }
    }
    #expect(accepted > 0)
  }
}
