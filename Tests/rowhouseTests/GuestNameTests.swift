import Machine
import Testing

@testable import rowhouse

/// A guest's name is a folder's too, so what it may be is narrow.
struct GuestNameTests {
  @Test(arguments: ["a", "7", "a.b-c_d", "Z9", String(repeating: "n", count: 63), "a..", "host.example.org"])
  func isAName(_ text: String) throws {
    #expect(try GuestName(text, option: "--name").description == text)
    #expect(GuestName(folder: text)?.description == text)
  }

  @Test(arguments: [
    "", ".", "..", ".x", "-x", "_x", "../up", "a/b", "/a", "a b", "a\n", "a\0", "ä", "aä", "٣", "e\u{301}",
    String(repeating: "n", count: 64),
  ])
  func isNoName(_ text: String) {
    #expect(throws: ConfigurationError.self) { try GuestName(text, option: "--name") }
    #expect(GuestName(folder: text) == nil)
  }

  @Test(arguments: [
    ("guests/build/echo.elf", "echo"), ("vmlinuz-6.12", "vmlinuz-6"), ("/boot/vmlinuz", "vmlinuz"), ("a b.elf", "a"),
    (String(repeating: "k", count: 200), String(repeating: "k", count: 32)), ("", "guest"), ("///", "guest"),
    (".hidden", "guest"), ("-rf", "guest"), ("_x", "guest"), ("äther.elf", "guest"), ("..", "guest"),
  ])
  func aNameIsMadeUp(for kernel: String, _ stem: String) throws {
    let name = GuestName(madeUpFor: kernel)
    let parts = name.description.split(separator: "-")
    #expect(parts.dropLast().joined(separator: "-") == stem)
    #expect(parts.last?.count == 4)
    #expect(try GuestName(name.description, option: "--name") == name)
  }

  @Test("Some hundred thousand names can be made up for a kernel, so that two hardly ever are the same")
  func chance() {
    let names = Set((0..<100).map { _ in GuestName(madeUpFor: "echo.elf") })
    #expect(names.count > 95)
  }
}
