import Testing

@testable import Machine

@Suite struct ConsoleHistoryTests {
  @Test("It has the last bytes, as the end of an array has them")
  func model() throws {
    var random = SystemRandomNumberGenerator()
    let capacity = 4096
    let history = try ConsoleHistory(capacity: capacity)
    var model: [UInt8] = []
    #expect(history.replay(10) == [])
    for round in 0..<300 {
      // Also pieces that are longer than the whole.
      let count = Int.random(in: 0...(round % 50 == 0 ? 10_000 : 700), using: &random)
      let piece = (0..<count).map { _ in UInt8.random(in: 0x20...0x7e, using: &random) }
      history.append(piece)
      model = Array((model + piece).suffix(capacity))
      for most in [0, 1, Int.random(in: 0...5000, using: &random), capacity, .max] {
        #expect(history.replay(most) == Array(model.suffix(most)), "round \(round)")
      }
    }
  }

  @Test("A replay begins between two characters or sequences, wherever its length would cut")
  func cuts() throws {
    let longString = "\u{1b}P" + String(repeating: "q", count: 500) + "\u{1b}\\"
    let parts: [String] = [
      "a", "é", "€", "😀", "\u{1b}[1;31m", "b", "\u{1b}[2\nJ", "\u{1b}]0;title é\u{7}", "\u{1b}]8;;x\u{1b}\\", "c",
      "\u{1b}(B", "\u{1b}Pq#0é\u{7}#1\u{1b}\\", "\u{1b}[12\u{18}", "d", "\u{1b}]0;no end", "\u{1b}[H", "\r", "\n",
      "\u{1b}[1", "é", "\u{1b}7", longString, "e",
    ]
    // Once as all that was said, and once as the end of more than is kept.
    for before in [0, 9000] {
      let history = try ConsoleHistory(capacity: 4096)
      history.append([UInt8](repeating: 0x2e, count: before))
      let text = Array(parts.joined().utf8)
      history.append(text)
      var starts = [0]
      for part in parts { starts.append(starts.last! + part.utf8.count) }
      for cut in 0...text.count {
        let start = starts.first { $0 >= cut }!
        #expect(history.replay(text.count - cut) == Array(text[start...]), "cut at \(cut)")
      }
    }
  }

  @Test("Where a sequence has not ended nothing is shown of its rest")
  func unended() throws {
    let history = try ConsoleHistory(capacity: 4096)
    history.append(Array("text\u{1b}]0;tit".utf8))
    #expect(history.replay(3) == [])
    #expect(history.replay(9) == Array("xt\u{1b}]0;tit".utf8))
  }
}
