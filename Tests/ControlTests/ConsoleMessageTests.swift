import Testing

@testable import Control

@Suite("Messages of the console") struct ConsoleMessageTests {
  static let viewers: [ViewerMessage] =
    ConsoleAttachment.Writing.allCases.map {
      .attach(ConsoleAttachment(replayBytes: 0x0102_0304, writing: $0, window: WindowSize(columns: 132, rows: 43)))
    } + [.input([]), .input([0, 1, 255]), .window(.unknown), .window(WindowSize(columns: .max, rows: 1)), .takeOver]
  static let console: [ConsoleMessage] =
    [.attached(isWritten: true), .attached(isWritten: false), .output([]), .output([10, 13]), .reply(.done)]
    + [.reply(.ended(code: 1, value: 0)), .reply(.refused(.notAllowed))]
    + ConsoleNotice.allCases.map(ConsoleMessage.notice)

  @Test(arguments: viewers) func viewersMessageComesBack(message: ViewerMessage) throws {
    #expect(try ViewerMessage(message.frame(id: 7)) == message)
  }

  @Test(arguments: console) func messageToViewersComesBack(message: ConsoleMessage) {
    #expect(ConsoleMessage(message.frame(id: 7)) == message)
  }

  @Test func bytesAreAsWrittenDown() {
    let attachment = ConsoleAttachment(replayBytes: 0x1000, writing: .never, window: WindowSize(columns: 80, rows: 25))
    #expect(
      ViewerMessage.attach(attachment).frame(id: 1).bytes
        == [9, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0x10, 0, 0, 2, 80, 0, 25, 0])
  }

  @Test func bodiesAreChecked() {
    let wrong: [(UInt16, [UInt8])] = [
      (0x100, []), (0x100, [0, 0, 0, 0, 3, 0, 0, 0, 0]), (0x100, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), (0x102, [1, 0, 1]),
      (0x102, [1, 0, 1, 0, 0]), (0x103, [0]),
    ]
    for (kind, body) in wrong {
      #expect(throws: ControlFault.malformed) { try ViewerMessage(Frame(kind: kind, id: 1, body: body)) }
    }
    #expect(throws: ControlFault.unknownRequest) { try ViewerMessage(Frame(kind: 1, id: 1)) }
    for (kind, body) in [(0x8100, []), (0x8100, [2]), (0x8102, [1]), (0x8102, [9, 9]), (0x100, [])]
      as [(UInt16, [UInt8])] {
      #expect(ConsoleMessage(Frame(kind: kind, id: 1, body: body)) == nil)
    }
  }
}
