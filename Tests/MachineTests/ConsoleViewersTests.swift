import Control
import Foundation
import Host
import Metering
import Testing

@testable import Machine

/// Viewers of a console, as honest, slow and hostile as they come.
@Suite(.timeLimit(.minutes(1))) struct ConsoleViewersTests {
  private let street: Street

  init() throws { street = try Street() }

  /// A console that is watched over a socket.
  private final class Street: ConsoleLine {
    let path = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"
    private(set) var viewers: ConsoleViewers!
    private let history: ConsoleHistory

    init(idleNanoseconds: UInt64 = ConsoleViewers.patience) throws {
      history = try ConsoleHistory()
      try super.init()
      viewers = try ConsoleViewers(
        at: StreamListener(at: path), on: loop, input: input, history: history, meter: page,
        idleNanoseconds: idleNanoseconds)
    }

    /// What the relay does with all that the guest says.
    func say(_ bytes: [UInt8]) {
      history.append(bytes)
      viewers.show(bytes)
    }

    var watching: UInt64? { get throws { try MeterReading(of: meter.descriptor)?.viewers } }
  }

  /// The other side of the socket.
  private final class Viewer {
    private var socket: Descriptor?
    private var reader = FrameReader()
    private(set) var isCutOff = false

    init(_ street: Street, _ attachment: ConsoleAttachment? = nil) throws {
      socket = try .connect(to: street.path)
      if let attachment { try send(.attach(attachment)) }
      try street.settle()
    }

    func hangUp() { socket = nil }

    func send(_ message: ViewerMessage, id: UInt32 = 0) throws { try send(message.frame(id: id).bytes) }

    func send(_ bytes: [UInt8]) throws {
      // SAFETY: the array's own memory, for the call.
      _ = unsafe try bytes.withUnsafeBytes { unsafe try socket?.sendWithoutWaiting($0) }
    }

    func messages() throws -> [ConsoleMessage] {
      while let bytes = try? socket?.read(atMost: 1 << 20) {
        isCutOff = bytes.isEmpty
        if isCutOff { break }
        reader.append(bytes)
      }
      var messages: [ConsoleMessage] = []
      while let frame = try reader.next() { messages.append(try #require(ConsoleMessage(frame))) }
      return messages
    }

    /// All output in one piece, without the rest.
    func output() throws -> [UInt8] {
      try messages().flatMap { message -> [UInt8] in
        if case .output(let bytes) = message { bytes } else { [] }
      }
    }
  }

  private func attachment(_ writing: ConsoleAttachment.Writing = .whenFree, replay: UInt32 = .max) -> ConsoleAttachment {
    ConsoleAttachment(replayBytes: replay, writing: writing)
  }

  @Test("Who comes late is shown what was said before, as much as is wanted")
  func replay() throws {
    let said = (0..<100_000).map { UInt8(0x20 + ($0 &* 31 >> 3) % 0x5f) }
    street.say(Array(said.prefix(60_000)))
    street.say(Array(said.dropFirst(60_000)))
    #expect(try Viewer(street, attachment()).output() == Array(said.suffix(64 << 10)))
    #expect(try Viewer(street, attachment(replay: 10)).output() == Array(said.suffix(10)))
    let late = try Viewer(street, attachment(replay: 0))
    #expect(try late.messages() == [.attached(isWritten: false)])
    street.say([1, 2, 3])
    #expect(try late.output() == [1, 2, 3])
  }

  @Test("The meter counts who watches")
  func count() throws {
    let (first, second) = (try Viewer(street, attachment()), try Viewer(street, attachment(.never)))
    #expect(try street.watching == 2)
    first.hangUp()
    second.hangUp()
    try street.settle()
    #expect(try street.watching == 0)
  }

  @Test("Who types first writes, until another takes over")
  func writers() throws {
    let (first, second) = (try Viewer(street, attachment()), try Viewer(street, attachment()))
    _ = try (first.messages(), second.messages())
    try first.send(.input(Array("ab".utf8)))
    #expect(try street.read() == Array("ab".utf8))
    #expect(try first.messages() == [.notice(.youWrite)])
    try second.send(.input(Array("no".utf8)))
    #expect(try street.read() == [])
    #expect(try second.messages() == [.notice(.othersWrite)])
    try second.send(.takeOver)
    try second.send(.input(Array("cd".utf8)))
    #expect(try street.read() == Array("cd".utf8))
    #expect(try first.messages() == [.notice(.takenOver)])
    #expect(try second.messages() == [.notice(.youWrite)])
    let third = try Viewer(street, attachment(.takesOver))
    #expect(try third.messages() == [.attached(isWritten: false), .notice(.youWrite)])
    #expect(try Viewer(street, attachment()).messages() == [.attached(isWritten: true)])
  }

  @Test("Writing is free again when the writer has gone")
  func writerLeaves() throws {
    let stays = try Viewer(street, attachment())
    try Viewer(street, attachment(.takesOver)).hangUp()
    try street.settle()
    #expect(try stays.messages() == [.attached(isWritten: false), .notice(.nobodyWrites)])
    try stays.send(.input([7]))
    #expect(try street.read() == [7])
  }

  @Test("A writer that has left off gives way to who types, and hears of it when it types again")
  func writerIsIdle() throws {
    let street = try Street(idleNanoseconds: 50_000_000)
    let (first, second) = (try Viewer(street, attachment()), try Viewer(street, attachment()))
    _ = try (first.messages(), second.messages())
    try first.send(.input([1]))
    #expect(try street.read() == [1])
    usleep(60_000)
    #expect(try Viewer(street, attachment()).messages() == [.attached(isWritten: false)])
    try second.send(.input([2]), id: 5)
    #expect(try street.read() == [2])
    #expect(try first.messages() == [.notice(.youWrite)])
    #expect(try second.messages() == [.notice(.youWrite), .reply(.done)])
  }

  private static let report = Array("\u{1b}[24;80R".utf8)

  @Test("A terminal that answers the guest is nobody who types")
  func terminalAnswers() throws {
    let street = try Street(idleNanoseconds: 50_000_000)
    let idle = try Viewer(street, attachment())
    try idle.send(.input([1]))
    #expect(try street.read() == [1])
    _ = try idle.messages()
    usleep(60_000)
    let script = try Viewer(street, attachment())
    try script.send(.input([2]), id: 5)
    #expect(try street.read() == [2])
    // While another writes its own terminal answers, or none.
    try idle.send(.input(Self.report))
    #expect(try street.read() == [])
    script.hangUp()
    try street.settle()
    #expect(try idle.messages() == [.notice(.nobodyWrites)])
    try idle.send(.input(Self.report))
    #expect(try street.read() == Self.report)
    #expect(try idle.messages() == [])
    let next = try Viewer(street, attachment())
    #expect(try next.messages() == [.attached(isWritten: false)])
    try next.send(.input([3]), id: 6)
    #expect(try street.read() == [3])
    #expect(try next.messages() == [.notice(.youWrite), .reply(.done)])
  }

  @Test("A writer's terminal answers without keeping the console from others")
  func writersTerminalAnswers() throws {
    let street = try Street(idleNanoseconds: 50_000_000)
    let writer = try Viewer(street, attachment())
    try writer.send(.input([1]))
    #expect(try street.read() == [1])
    usleep(60_000)
    try writer.send(.input(Self.report))
    #expect(try street.read() == Self.report)
    #expect(try Viewer(street, attachment()).messages() == [.attached(isWritten: false)])
  }

  @Test("Of several terminals one answers while nobody writes")
  func oneTerminalAnswers() throws {
    let (first, second) = (try Viewer(street, attachment()), try Viewer(street, attachment()))
    for viewer in [first, second] { try viewer.send(.window(WindowSize(columns: 80, rows: 24))) }
    for viewer in [second, first] { try viewer.send(.input(Self.report)) }
    #expect(try street.read() == Self.report)
    try first.send(.input(Self.report), id: 7)
    #expect(try street.read() == Self.report)
    #expect(try first.messages().suffix(2) == [.notice(.youWrite), .reply(.done)], "a script means what it sends")
  }

  @Test("A script that types has no window, and changes none")
  func windowOfAScript() throws {
    let person = try Viewer(street, attachment())
    try person.send(.window(WindowSize(columns: 132, rows: 43)))
    try street.settle()
    #expect(street.viewers.window == nil, "nobody writes")
    try person.send(.input([1]))
    #expect(try street.read() == [1])
    let size = TerminalSize(columns: 132, rows: 43)
    #expect(street.viewers.window == size)
    let script = try Viewer(street, attachment(.takesOver))
    #expect(street.viewers.window == size)
    script.hangUp()
    try street.settle()
    #expect(street.viewers.window == size)
    person.hangUp()
    try street.settle()
    #expect(street.viewers.window == nil)
  }

  @Test("Who said that it never writes does not")
  func readOnly() throws {
    let viewer = try Viewer(street, attachment(.never))
    try viewer.send(.input([1]), id: 3)
    try viewer.send(.takeOver, id: 4)
    #expect(try street.read() == [])
    #expect(try viewer.messages() == [.attached(isWritten: false)] + [.reply(.refused(.notAllowed)), .reply(.refused(.notAllowed))])
  }

  @Test("Input is answered when the guest has taken it, and is never lost")
  func inputIsTaken() throws {
    let viewer = try Viewer(street, attachment())
    _ = try viewer.messages()
    // More than this side keeps, so the viewer is not read from for a while.
    let typed = (0..<90_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var sent = 0
    var got: [UInt8] = []
    while got.count < typed.count {
      while sent < typed.count {
        let piece = Array(typed[sent..<min(sent + 10_000, typed.count)])
        guard (try? viewer.send(.input(piece), id: UInt32(sent + 1))) != nil else { break }
        sent += piece.count
      }
      got += try street.read()
      try #require(!viewer.isCutOff)
    }
    #expect(got == typed)
    let answers = try viewer.messages()
    #expect(answers.filter { $0 == .reply(.done) }.count == 9)
  }

  @Test("The window's size is the writer's")
  func window() throws {
    let writer = try Viewer(street, attachment(.takesOver))
    let other = try Viewer(street, attachment())
    try writer.send(.window(WindowSize(columns: 100, rows: 30)))
    try other.send(.window(WindowSize(columns: 10, rows: 3)))
    try street.settle()
    #expect(street.viewers.window == TerminalSize(columns: 100, rows: 30))
    try other.send(.takeOver)
    try street.settle()
    #expect(street.viewers.window == TerminalSize(columns: 10, rows: 3))
    other.hangUp()
    try street.settle()
    #expect(street.viewers.window == nil, "nobody writes")
  }

  @Test("Who does not read is cut off in the end, and nobody waits for it")
  func slowViewer() throws {
    let (slow, quick) = (try Viewer(street, attachment()), try Viewer(street, attachment()))
    let line = [UInt8](repeating: 0x2e, count: 4096)
    var taken = 0
    // The kernel keeps some for the slow one, and so does this side; beyond a few MiB nobody keeps it.
    for round in 0..<2000 {
      street.say(line)
      taken += try quick.output().count
      if round % 100 == 99 { try street.settle(milliseconds: 1) }
    }
    #expect(taken == 2000 * line.count)
    #expect(try street.watching == 1)
    let kept = try slow.output().count
    #expect(slow.isCutOff && kept < 2 << 20)
    #expect(!quick.isCutOff)
  }

  @Test("64 may watch, and 64 who do not attach keep nobody out")
  func many() throws {
    let viewers = try (0..<64).map { _ in try Viewer(street, attachment(.never)) }
    let tooMany = try Viewer(street, attachment())
    #expect(try tooMany.messages() == [.reply(.refused(.busy))])
    #expect(try street.watching == 64)
    let silent = try (0..<70).map { _ in try Viewer(street) }
    try street.settle(milliseconds: 1100)
    viewers[0].hangUp()
    try street.settle()
    #expect(try Viewer(street, attachment(replay: 0)).messages() == [.attached(isWritten: false)])
    street.say([42])
    #expect(try viewers[1].output() == [42])
    _ = silent
  }

  @Test("Nonsense is refused or cut off, and harms nobody else")
  func nonsense() throws {
    let honest = try Viewer(street, attachment())
    _ = try honest.messages()
    let early = try Viewer(street)
    try early.send(.input([1]), id: 9)
    try street.settle()
    #expect(try early.messages() == [.reply(.refused(.notAllowed))])
    try early.send(.attach(attachment(replay: 0)))
    try early.send(.attach(attachment(replay: 0)))
    try street.settle()
    #expect(try early.messages() == [.attached(isWritten: false), .reply(.refused(.notAllowed))])
    let long = try Viewer(street)
    try long.send([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 1, 0, 0, 0, 0])
    try street.settle()
    #expect(try long.messages() == [] && long.isCutOff)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let noise = try Viewer(street)
      for _ in 0..<10 {
        let body = (0..<Int.random(in: 0...20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        try? noise.send(Frame(kind: .random(in: 0xfe...0x105, using: &random), id: 1, body: body).bytes)
      }
      try street.settle(milliseconds: 1)
    }
    _ = try street.read()
    try street.settle()
    street.say([42])
    #expect(try honest.output() == [42])
  }

  @Test("Who comes when the guest has ended is shown what it said, told so, and waited for")
  func late() throws {
    street.say([1, 2, 3])
    street.viewers.end(.debugExit(7))
    #expect(street.viewers.isDrained)
    let late = try Viewer(street)
    #expect(!street.viewers.isDrained)
    try late.send(.attach(attachment()))
    try street.settle()
    #expect(
      try late.messages() == [.attached(isWritten: false), .output([1, 2, 3]), .reply(.ended(code: 3, value: 7))])
    #expect(street.viewers.isDrained)
  }

  @Test("The guest's end is told to all, and waited for until they have it")
  func end() throws {
    let viewer = try Viewer(street, attachment())
    _ = try viewer.messages()
    for _ in 0..<60 { street.say([UInt8](repeating: 1, count: 5000)) }
    street.viewers.end(.debugExit(7))
    #expect(!street.viewers.isDrained)
    var messages: [ConsoleMessage] = []
    while !street.viewers.isDrained {
      messages += try viewer.messages()
      try street.settle(milliseconds: 1)
    }
    messages += try viewer.messages()
    #expect(messages.last == .reply(.ended(code: 3, value: 7)))
    #expect(messages.count > 60)
  }
}
