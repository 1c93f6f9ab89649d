import Testing

@testable import Machine

@Suite struct QueryFilterTests {
  private static let text = "a\u{1b}[6nb\u{1b}[31mc\u{1b}]11;?\u{7}d\u{1b}P+q54\u{1b}\\e\u{5}f\u{9b}6ng\u{1b}]0;title\u{7}"

  @Test("However it is cut, questions go and the rest stays", arguments: [1, 2, 3, 5, 100])
  func pieces(step: Int) {
    var filter = QueryFilter()
    let bytes = Array(Self.text.utf8)
    var shown: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
      shown += filter.passed(Array(bytes[start..<min(start + step, bytes.count)]))
    }
    #expect(String(decoding: shown, as: UTF8.self) == "ab\u{1b}[31mcdefg\u{1b}]0;title\u{7}")
  }

  @Test("What has only begun is not shown: whatever comes next on the terminal might end it")
  func begun() {
    var filter = QueryFilter()
    #expect(filter.passed(Array("text\u{1b}[".utf8)) == Array("text".utf8))
    #expect(filter.passed([]) == [])
    #expect(filter.passed(Array("31mred".utf8)) == Array("\u{1b}[31mred".utf8))
  }

  @Test("A sequence that hardly ends means nothing to a terminal")
  func endless() {
    var filter = QueryFilter()
    let name = [UInt8](repeating: 0x35, count: 600 << 10)
    #expect(filter.passed(Array("\u{1b}P+q".utf8) + name) == [])
    #expect(filter.passed(name) == Array("P+q".utf8) + name + name)
    #expect(filter.passed(Array("\u{1b}\\after".utf8)) == Array("\u{1b}\\after".utf8))
  }
}
