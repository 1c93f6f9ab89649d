import Testing

@testable import rowhouse

@Suite("Escape keys")
struct EscapeKeysTests {
  /// What goes to the guest of what is typed, and what is asked of `rowhouse`.
  private func type(_ reads: [UInt8]...) -> (guest: [UInt8], commands: [EscapeKeys.Command]) {
    var keys = EscapeKeys([.end])
    var guest: [UInt8] = []
    var commands: [EscapeKeys.Command] = []
    for key in reads.joined() {
      if let command = keys.feed(key, into: &guest) { commands.append(command) }
    }
    return (guest, commands)
  }

  @Test func otherKeysPass() {
    let all = (0...255).map(UInt8.init).filter { $0 != 1 }
    let (guest, commands) = type(all)
    #expect(guest == all)
    #expect(commands.isEmpty)
  }

  @Test func everySecondKey() {
    for second in (0...255).map(UInt8.init) {
      let (guest, commands) = type([1, second, 0x7a])
      switch second {
      case UInt8(ascii: "x"):
        #expect(guest == [0x7a])
        #expect(commands == [.end])
      case UInt8(ascii: "h"), UInt8(ascii: "?"):
        #expect(guest == [0x7a])
        #expect(commands == [.help])
      case 1, UInt8(ascii: "a"):
        #expect(guest == [1, 0x7a])
        #expect(commands.isEmpty)
      default:
        #expect(guest == [1, second, 0x7a])
        #expect(commands.isEmpty)
      }
    }
  }

  @Test func theEscapeWaitsForItsKey() {
    #expect(type([1]).guest.isEmpty)
    #expect(type([0x61, 1], [0x78]).commands == [.end])
  }

  @Test func sequencesFollowEachOther() {
    let (guest, commands) = type(Array("a\u{1}hb\u{1}\u{1}\u{1}xc\u{1}\u{1}x".utf8))
    #expect(guest == Array("ab\u{1}c\u{1}x".utf8))
    #expect(commands == [.help, .end])
  }

  @Test func eachProgramHasItsOwn() {
    var keys = EscapeKeys([.detach, .takeOver, .tellSize])
    var guest: [UInt8] = []
    let typed = Array("\u{1}d\u{1}w\u{1}r\u{1}x".utf8)
    #expect(typed.compactMap { keys.feed($0, into: &guest) } == [.detach, .takeOver, .tellSize])
    #expect(guest == [1, UInt8(ascii: "x")])
    #expect(keys.help.contains("Ctrl-A d detaches") && !keys.help.contains { $0.contains("Ctrl-A x") })
    #expect(keys.help.allSatisfy { "rowhouse: \($0)".count <= 60 })
  }
}
