import Testing

@testable import rowhouse

@Suite struct LastLinesTests {
  private func last(_ count: Int, of pieces: String...) -> String {
    var lines = LastLines(count)
    for piece in pieces { lines.append(Array(piece.utf8)) }
    return String(decoding: lines.bytes, as: UTF8.self)
  }

  @Test func linesAreCountedFromTheEnd() {
    #expect(last(1, of: "a\nb\nc\n") == "c\n")
    #expect(last(2, of: "a\nb\nc") == "b\nc")
    #expect(last(2, of: "a\n", "b", "\n\n") == "b\n\n")
    #expect(last(3, of: "a\nb\nc\n") == "a\nb\nc\n")
    #expect(last(9, of: "a\nb\n") == "a\nb\n")
    #expect(last(0, of: "a\nb") == "")
    #expect(last(1, of: "\n") == "\n")
    #expect(last(1) == "")
  }

  @Test func longTextsAreForgotten() {
    var lines = LastLines(2)
    for _ in 0..<300 { lines.append(Array((String(repeating: "x", count: 9999) + "\n").utf8)) }
    lines.append(Array("last\n".utf8))
    #expect(lines.bytes.count == 10_005)
  }
}
