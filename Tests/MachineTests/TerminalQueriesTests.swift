import Testing

@testable import Machine

@Suite struct TerminalQueriesTests {
  private func removed(_ text: String) -> String {
    String(decoding: TerminalQueries.removed(from: Array(text.utf8)[...]), as: UTF8.self)
  }

  @Test(arguments: [
    "\u{1b}[6n", "\u{1b}[5n", "\u{1b}[?6n", "\u{1b}[c", "\u{1b}[0c", "\u{1b}[>c", "\u{1b}[=c", "\u{1b}Z", "\u{5}",
    "\u{1b}[x", "\u{1b}[18t", "\u{1b}[?25$p", "\u{1b}[?u", "\u{1b}[>q", "\u{1b}]11;?\u{7}", "\u{1b}]4;1;?\u{1b}\\",
    "\u{1b}P$qm\u{1b}\\", "\u{1b}P+q544e\u{1b}\\",
    // The same with controls of one character.
    "\u{9b}6n", "\u{9b}?25$p", "\u{9a}", "\u{9d}11;?\u{9c}", "\u{90}+q544e\u{9c}", "\u{1b}]11;?\u{9c}",
  ])
  func questionsGo(_ question: String) {
    #expect(removed("before\(question)after") == "beforeafter")
    #expect(removed("\(question)\(question)") == "")
  }

  @Test(arguments: [
    "", "text?", "\u{1b}[31m", "\u{1b}[2J\u{1b}[1;1H", "\u{1b}[?25l", "\u{1b}[8;24;80t", "\u{1b}[22t", "\u{1b}[!p",
    "\u{1b}[4 q", "\u{1b}[u", "\u{1b}]0;what is it?\u{7}", "\u{1b}]11;#ffffff\u{1b}\\", "\u{1b}(B",
    "\u{1b}c", "\u{1b}7",
    "\u{1b}Pq#0\u{1b}\\", "\u{9b}31m", "\u{a0}é\u{c2}", "begun \u{1b}", "begun \u{1b}[6", "begun \u{1b}]11;?", "begun \u{1b}P+q54",
  ])
  func theRestStays(_ text: String) {
    #expect(removed(text) == text)
    #expect(removed("\u{1b}[6n\(text)") == text)
  }

  @Test("A sequence that is broken off hides no question after it", arguments: [
    "\u{1b}]0;title", "\u{1b}P1$r0", "\u{1b}]0;title\u{18}", "\u{1b}P+q54\u{1a}", "\u{1b}[31\u{18}", "\u{1b}[3",
    "\u{1b}", "\u{1b}(", "\u{1b}P+q54\u{7}",
  ])
  func questionAfter(_ broken: String) { #expect(removed("\(broken)\u{1b}[6nafter") == "\(broken)after") }

  @Test("Controls within a sequence end nothing, and stay when it goes")
  func controlsWithin() {
    #expect(removed("a\u{1b}[\n6\r\nnb") == "a\n\r\nb")
    #expect(removed("a\u{1b}[18\u{8}tb") == "a\u{8}b")
    #expect(removed("a\u{1b}[3\u{5}1mb") == "a\u{1b}[31mb")
    #expect(removed("a\u{1b}[3\n1mb") == "a\u{1b}[3\n1mb")
  }
}
