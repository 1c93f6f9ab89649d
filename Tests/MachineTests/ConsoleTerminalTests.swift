import Host
import Testing

@testable import Machine

/// A pseudo-terminal that was made for a console.
@Suite struct ConsoleTerminalTests {
  @Test("What nobody takes there and is not kept either counts as lost")
  func lost() throws {
    let loop = try EventLoop()
    let terminal = ConsoleTerminal(try PseudoTerminal(), on: loop)
    #expect(terminal.show([UInt8](repeating: 1, count: 4096)) == 0)
    let lost = terminal.show([UInt8](repeating: 2, count: 1 << 20))
    // 256 KiB are kept here, and the kernel keeps some.
    #expect((600 << 10...768 << 10).contains(lost))
    #expect(terminal.show([UInt8](repeating: 3, count: 1000)) == 1000)
  }
}
