import Machine
import Testing

@testable import rowhouse

@Suite("What scripts type and expect") struct ConsoleScriptTests {
  @Test func escapesAreBytes() throws {
    #expect(try TypedText("a\\n\\r\\t\\e\\\\\\x00\\xfFz").bytes == [0x61, 10, 13, 9, 27, 0x5c, 0, 0xff, 0x7a])
    #expect(try TypedText("é").bytes == Array("é".utf8))
  }

  @Test(arguments: ["\\", "\\q", "\\x", "\\x1", "\\xgg"]) func otherEscapesAreRefused(text: String) {
    #expect(throws: ConfigurationError.self) { try TypedText(text) }
  }

  @Test func matchesGoOverPieces() throws {
    var expectation = try Expectation("^login: $")
    #expect(expectation.match(after: Array("Debian\r\nlog".utf8)) == nil)
    #expect(expectation.match(after: Array("in: ".utf8)) == .init(text: "login: ", isOpen: true))
    #expect(expectation.match(after: Array("root".utf8)) == nil)
  }

  @Test func theFirstGroupIsTheAnswer() throws {
    var expectation = try Expectation("status ([0-9]+)$")
    #expect(expectation.match(after: Array("status 12\r\nmore".utf8)) == .init(text: "12", isOpen: false))
  }

  @Test func aMatchAtTheEndMayGoOn() throws {
    var expectation = try Expectation("num=([0-9]+)")
    #expect(expectation.match(after: Array("num=12".utf8)) == .init(text: "12", isOpen: true))
    #expect(expectation.match(after: Array("345".utf8)) == .init(text: "12345", isOpen: true))
    #expect(expectation.match(after: Array(" ".utf8)) == .init(text: "12345", isOpen: false))
  }

  /// Much more than is kept, and no match before the end.
  @Test func textIsForgotten() throws {
    var expectation = try Expectation("needle")
    let hay = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000)
    for _ in 0..<5 { #expect(expectation.match(after: hay) == nil) }
    #expect(expectation.match(after: Array("need".utf8)) == nil)
    #expect(expectation.match(after: Array("le".utf8)) == .init(text: "needle", isOpen: true))
  }

  /// The text is cut in the middle of a line, whether that fits into what is kept or not.
  @Test(arguments: [1000, 5000, 20_000]) func whereTextWasCutNoLineBegins(length: Int) throws {
    var expectation = try Expectation("^x+y")
    let line = Array("-\(String(repeating: "x", count: length))\n".utf8)
    for _ in 0..<20 {
      #expect(expectation.match(after: Array(line.dropLast(100))) == nil)
      #expect(expectation.match(after: Array(line.suffix(100))) == nil)
    }
    #expect(expectation.match(after: Array(line.dropLast())) == nil)
    #expect(expectation.match(after: Array("y".utf8)) == nil)
    #expect(expectation.match(after: Array("\nxxy".utf8))?.text == "xxy")
  }

  @Test func noRegexIsRefused() {
    #expect(throws: ConfigurationError.self) { try Expectation("(") }
  }
}
