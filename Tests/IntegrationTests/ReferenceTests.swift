import Foundation
import Testing

/// The reference of all commands, which is made of what the argument parser knows.
@Suite struct ReferenceTests {
  @Test func isWhatTheParserSays() throws {
    let root = URL(filePath: GuestRunner.root)
    let made = try GuestRunner.run([root.path + "/Tests/Reference/reference", root.path + "/bin/rowhouse"])
    let kept = try String(contentsOf: root.appending(path: "docs/commands.md"), encoding: .utf8)
    #expect(made == kept, "docs/commands.md is not what `make reference` makes of bin/rowhouse")
  }
}
