import Testing

@testable import Machine

/// What terminals say by themselves, and what keys and mice send.
@Suite struct TerminalReportsTests {
  private func areReports(_ text: String) -> Bool { TerminalReports.areAll(of: Array(text.utf8)) }

  @Test(arguments: [
    "\u{1b}[24;80R", "\u{1b}[?24;80R", "\u{1b}[0n", "\u{1b}[?997;1n", "\u{1b}[?62;22c", "\u{1b}[>0;276;0c",
    "\u{1b}[3;1;1;120;120;1;0x", "\u{1b}[8;24;80t", "\u{1b}[?25;1$y", "\u{1b}[?0u", "\u{1b}[I", "\u{1b}[O",
    "\u{1b}]11;rgb:0000/0000/0000\u{7}", "\u{1b}]4;1;rgb:cd/00/00\u{1b}\\", "\u{1b}P>|XTerm(370)\u{1b}\\",
    "\u{1b}P1$r0m\u{1b}\\", "\u{1b}P!|00000000\u{1b}\\",
  ])
  func reports(_ report: String) {
    #expect(areReports(report))
    #expect(areReports(report + report))
    #expect(!areReports(report + "a") && !areReports("a" + report), "somebody typed as well")
    #expect(!areReports(String(report.dropLast())), "no whole report")
  }

  @Test(arguments: [
    "", "a", "\r", "\u{1b}", "\u{1b}[", "\u{1b}[A", "\u{1b}OR", "\u{1b}[R", "\u{1b}[Z", "\u{1b}[3~",
    "\u{1b}[200~ab\u{1b}[201~",
    "\u{1b}[1;5C", "\u{1b}[97;5u", "\u{1b}[<0;10;10M", "\u{1b}[<0;10;10m", "\u{1b}a", "\u{1b}\u{1b}[24;80R",
    "\u{1b}[24\r;80R",
  ])
  func keys(_ keys: String) { #expect(!areReports(keys)) }
}
