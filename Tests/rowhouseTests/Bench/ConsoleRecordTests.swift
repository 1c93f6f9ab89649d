import Host
import Testing

@testable import rowhouse

@Suite("What a benchmark keeps of a console")
struct ConsoleRecordTests {
  private struct Line: Equatable {
    let text: String
    let nanoseconds: UInt64

    init(_ text: String, _ nanoseconds: UInt64) { (self.text, self.nanoseconds) = (text, nanoseconds) }
  }

  private var record = ConsoleRecord()

  /// Each piece at the time of its number.
  private mutating func take(_ pieces: [(UInt64, String)]) {
    for (nanoseconds, piece) in pieces { record.take(Array(piece.utf8)[...], at: Instant(nanoseconds: nanoseconds)) }
  }

  private mutating func look(isAll: Bool = false) -> [Line] {
    var lines: [Line] = []
    record.lines(isAll: isAll) { lines.append(Line($0, $1.nanoseconds)) }
    return lines
  }

  @Test mutating func linesHaveTheTimeOfTheirLastByte() {
    take([(1, "one\r\ntw"), (2, "o"), (3, "\nthree\nfo"), (4, "ur")])
    #expect(record.firstByte?.nanoseconds == 1)
    #expect(look() == [Line("one", 1), Line("two", 3), Line("three", 3)])
    take([(5, "\n")])
    #expect(look() == [Line("four", 5)])
    #expect(look(isAll: true) == [])
  }

  /// One that is written byte by byte is each of its beginnings for a while.
  @Test mutating func lineIsNoneWhileItIsWritten() {
    for (time, byte) in zip(1..., "ready to go") {
      take([(UInt64(time), String(byte))])
      #expect(look() == [])
    }
    #expect(look() == [Line("ready to go", 11)])
    take([(12, "!\n")])
    #expect(look() == [Line("ready to go!", 12)])
  }

  @Test mutating func promptIsSeenWhenAllHasCome() {
    take([(1, "hello\n"), (2, "login: ")])
    #expect(look(isAll: true) == [Line("hello", 1), Line("login: ", 2)])
  }

  @Test mutating func consoleThatSaidNothingHasNoFirstByte() {
    #expect(record.firstByte == nil && look(isAll: true) == [])
    take([(1, "")])
    #expect(record.firstByte == nil)
  }
}
