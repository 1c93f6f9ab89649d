import Foundation
import Host
import TerminalModel
import Testing

/// `rowhouse top` on terminals that are slow, or stopped, or never answer: ten guests on 80 columns and 24 rows.
@Suite(
  "rowhouse top on a slow terminal",
  .enabled(
    if: GuestRunner.reasonAgainstHost == nil,
    "THE TESTS OF TOP ON A SLOW TERMINAL WERE NOT RUN: they need a /dev/kvm on this host, as the terminal is its too"),
  .serialized)
struct TopTerminalTests {
  /// What a refresh of ten guests' figures takes at most, in bytes; the whole picture is 1300.
  private static let mostOfARefresh = 400

  @Test("A refresh writes only what has changed")
  func bytesOfARefresh() throws {
    let watch = try TopWatch(interval: "0.3")
    for _ in 0..<14 { try watch.readPicture() }
    try watch.expectGuests(10)
    // The first one is all, and with those after it sparklines come that were not there before.
    let refreshes = watch.pictures.dropFirst(4)
    #expect(refreshes.count == 10 && refreshes.allSatisfy { $0 <= Self.mostOfARefresh }, "\(watch.pictures)")
    try watch.quit()
  }

  @Test("A slow line is never garbled, and keys are heard meanwhile")
  func aSlowLine() throws {
    let watch = try TopWatch(interval: "0.1")
    // 1600 bytes a second.
    let deadline = Instant.now.advanced(byNanoseconds: 4_000_000_000)
    while Instant.now < deadline {
      try watch.read(atMost: 16)
      usleep(10_000)
    }
    try watch.session.type("a")
    for _ in 0..<3 { try watch.readPicture(step: 16) }
    try watch.expectGuests(10)
    #expect(watch.screen.lines[0].hasSuffix("by name"), "\(watch.screen.lines[0])")
    #expect(watch.screen.lines[2...11].map { $0.prefix(6) } == (0..<10).map { "guest\($0)" })
    try watch.quit()
  }

  @Test("A terminal that was stopped goes on with what is so now")
  func aStoppedTerminal() throws {
    let watch = try TopWatch(interval: "0.2")
    for _ in 0..<3 { try watch.readPicture() }
    try watch.expectGuests(10)
    try watch.street.run("kill", "guest9")
    // Nobody reads or answers for as long as ten pictures would take.
    usleep(2_000_000)
    let asked = watch.screen.questions
    var isQuiet = false
    while !isQuiet { isQuiet = try watch.read(atMost: 4096, answers: false, seconds: 0.5).isEmpty }
    #expect(watch.screen.questions <= asked + 1, "it does not wait for the terminal")
    try watch.answer()
    try watch.readPicture()
    try watch.expectGuests(9)
    try watch.quit()
  }

  @Test("One that never answers sees all the same, and a stopped one keeps nobody")
  func aSilentTerminal() throws {
    let watch = try TopWatch(interval: "0.2")
    while watch.screen.questions == 0 { try watch.read(atMost: 4096, answers: false) }
    try watch.street.run("kill", "guest9")
    try TerminalSession.wait(for: "a picture of nine guests") {
      try watch.read(atMost: 4096, answers: false, seconds: 0.5)
      return watch.screen.lines[0].hasPrefix("9 guests")
    }
    try watch.session.setStopped(true)
    usleep(700_000)
    try watch.session.type("q")
    #expect(try watch.session.waitForEnd() == .exited(status: 0))
    #expect(!watch.session.isRaw && watch.screen.faults.isEmpty)
  }
}

/// Ten guests that use their CPUs a little, on a street of their own.
private final class TopStreet {
  private let path = FileManager.default.temporaryDirectory.appending(path: "top-\(UUID().uuidString.prefix(8))").path

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for number in 0..<10 {
      try run(
        "run", "--detach", "--name", "guest\(number)", GuestRunner.root + "/guests/build/burn.elf", "--timeout", "120",
        "--cpu-quota", "\(number % 3 + 1)%")
    }
  }

  deinit {
    try? run("kill", "--all")
    try? run("remove", "--all")
    try? FileManager.default.removeItem(atPath: path)
  }

  func start(_ words: String...) throws -> TerminalSession { try start(words) }

  private func start(_ words: [String]) throws -> TerminalSession {
    let folders = ["XDG_RUNTIME_DIR=\(path)", "XDG_STATE_HOME=\(path)"]
    return try TerminalSession(["/usr/bin/env"] + folders + [DetachedGuest.rowhouse] + words)
  }

  func run(_ words: String...) throws {
    let session = try start(words)
    let end = try session.waitForEnd()
    #expect(end == .exited(status: 0), "rowhouse \(words.joined(separator: " ")): \(session.readAll())")
  }
}

/// `rowhouse top` and what its terminal shows.
private final class TopWatch {
  let street: TopStreet
  let session: TerminalSession
  private(set) var screen = TerminalModel(rows: 24, columns: 80)
  /// Bytes of each picture, up to and with the question behind it.
  private(set) var pictures: [Int] = []
  private var bytes = 0

  init(interval: String) throws {
    street = try TopStreet()
    session = try street.start("top", "--interval", interval)
  }

  func answer() throws { try session.type(TerminalModel.answer) }

  /// Has the terminal show what comes next.
  @discardableResult
  func read(atMost most: Int, answers: Bool = true, seconds: Double = 20) throws -> [UInt8] {
    let read = try session.next(atMost: most, seconds: seconds)
    for byte in read {
      let asked = screen.questions
      screen.take([byte])
      bytes += 1
      guard screen.questions > asked else { continue }
      pictures.append(bytes)
      bytes = 0
      if answers { try answer() }
    }
    return read
  }

  /// Reads on to the end of a picture.
  func readPicture(step: Int = 4096) throws {
    let count = pictures.count
    while pictures.count == count {
      guard try !read(atMost: step).isEmpty else { throw TerminalSession.Failure(description: "no picture comes") }
    }
  }

  /// The screen is that of so many guests, and nothing else is on it.
  func expectGuests(_ count: Int) throws {
    let lines = screen.lines
    let line = /guest\d      running +\d+\.\d% [ ▁-█]{4} +[0-9.]+ [KM]iB [ ▁-█]{4} +0 B [ ▁]{4} +0 B [ ▁]{4} +\d+%/
    #expect(lines[0].hasPrefix("\(count) guests  cpu ") && lines[1].hasPrefix("NAME "), "\(lines)")
    for row in 2..<2 + count { #expect(try line.wholeMatch(in: lines[row]) != nil, "\(lines[row])") }
    #expect(lines.dropFirst(2 + count).joined().isEmpty, "\(lines)")
    #expect(screen.faults.isEmpty && screen.isAlternate && !screen.isCursorShown, "\(screen.faults)")
  }

  /// Ends it by its key: the terminal is as it was.
  func quit() throws {
    try session.type("q")
    while screen.isAlternate {
      guard try !read(atMost: 4096, seconds: 5).isEmpty else { break }
    }
    #expect(try session.waitForEnd() == .exited(status: 0))
    #expect(!screen.isAlternate && screen.isCursorShown && !session.isRaw && screen.faults.isEmpty)
  }
}
