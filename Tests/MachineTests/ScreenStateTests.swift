import Testing

@testable import Machine

@Suite struct ScreenStateTests {
  private func undone(_ text: String, step: Int = 1000) -> String {
    var state = ScreenState()
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: step) {
      state.note(Array(bytes[start..<min(start + step, bytes.count)]))
    }
    return String(decoding: state.undo(), as: UTF8.self)
  }

  @Test("However it is cut, what was changed is undone, and nothing else", arguments: [1, 2, 3, 5, 1000])
  func pieces(step: Int) {
    let text = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?1000;1006h\u{1b}]0;title\u{7}\u{1b}[31mred\u{1b}[?1h\u{1b}="
    #expect(
      undone(text, step: step)
        == "\u{1b}[?1049l\u{1b}[?25h\u{1b}[?1l\u{1b}[?1000l\u{1b}[?1006l\u{1b}>\u{1b}[0m")
    // The same with the control that is a character of its own.
    #expect(undone("\r\n\u{9b}?2004h\r\n", step: step) == "\u{1b}[?2004l")
  }

  @Test(
    "Each on its own, and undone by the guest itself",
    arguments: [
      ("\u{1b}[?47h", "\u{1b}[?47l"), ("\u{1b}[?1047h", "\u{1b}[?1047l"), ("\u{1b}[?7l", "\u{1b}[?7h"),
      ("\u{1b}[?1002h", "\u{1b}[?1002l"), ("\u{1b}[?1003h", "\u{1b}[?1003l"), ("\u{1b}[?1004h", "\u{1b}[?1004l"),
      ("\u{1b}[3;20r", "\u{1b}7\u{1b}[r\u{1b}8"), ("\u{1b}[4h", "\u{1b}[4l"), ("\u{1b}(0", "\u{1b}(B"),
      ("\u{1b}[2 q", "\u{1b}[0 q"), ("\u{1b}[>4;2m", "\u{1b}[>4m"), ("\u{1b}[0;1;38;5;0m", "\u{1b}[0m"),
    ])
  func settings(change: String, undoing: String) {
    #expect(undone(change) == undoing)
    #expect(undone(change + "text\r\n" + undoing) == "")
    #expect(undone(change + undoing + change) == undoing)
  }

  @Test(
    "What changes nothing, or is no such sequence",
    arguments: [
      "", "text\r\n", "\u{1b}[?25l\u{1b}[?25h", "\u{1b}[?1049h\u{1b}[?1047l", "\u{1b}[00mplain\u{1b}[m\r\n",
      "\u{1b}[?12h", "\u{1b}[6n", "\u{1b}[?31m", "\u{1b}[2J\u{1b}[K",
      "\u{1b}[?1000h\u{1b}c", "\u{1b}[?1;2r", "\u{1b}]0;[?25l\u{7}",
      "\u{1b}[?1000\u{18}h\r\n",
    ])
  func nothing(text: String) {
    #expect(undone(text) == "", "\(text.debugDescription)")
  }

  @Test("The next line begins at the left")
  func lineBreaks() {
    #expect(undone("text") == "\r\n")
    #expect(undone("text\n") == "\r")
    var state = ScreenState()
    state.note(Array("text\n".utf8))
    #expect(state.undo(returningAtLineFeed: true) == [])
    #expect(undone("text\r\n\u{1b}[32mgreen") == "\u{1b}[0m\r\n")
    #expect(undone("text\r\n\u{1b}[5;5H") == "\r\n")
    // The terminal knows where it was before the alternate screen.
    #expect(undone("text\r\n\u{1b}[?1049h~\u{1b}[5;5Hfile") == "\u{1b}[?1049l")
    #expect(undone("$ \u{1b}[?1049h~\r\n") == "\u{1b}[?1049l\r\n")
    #expect(undone("$ \u{1b}[?1049h~\u{1b}[?1049l") == "\r\n")
  }

  @Test("It begins anew when all is undone, and can make it again")
  func again() {
    var state = ScreenState()
    state.note(Array("\u{1b}[?1049h\u{1b}[?25l\u{1b}[31m\u{1b}=".utf8))
    let before = state
    _ = state.undo()
    #expect(state.undo() == [])
    #expect(String(decoding: before.redoing, as: UTF8.self) == "\u{1b}[?1049h\u{1b}[?25l\u{1b}=")
  }

  @Test("A string that hardly ends is not kept")
  func endless() {
    var state = ScreenState()
    state.note(Array("\r\n\u{1b}P".utf8))
    for _ in 0..<100 { state.note([UInt8](repeating: 0x35, count: 1000)) }
    state.note(Array("\u{1b}\\\u{1b}[?25l".utf8))
    #expect(String(decoding: state.undo(), as: UTF8.self).hasPrefix("\u{1b}[?25h"))
  }
}
