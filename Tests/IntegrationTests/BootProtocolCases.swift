extension Case {
  /// Each way into a kernel, and what it is handed on the way.
  static let bootProtocols: [Case] = [
    Case(
      "pvh", guest: "hello.elf", "--boot pvh", words: "one 'two three' key=value",
      says: ["start info version 1", "command line: one two three key=value\n"], verdict: "poweroff"),
    Case(
      "command-line-option", guest: "hello.elf", "--cmdline 'a  b'",
      says: ["command line: a  b\n"], verdict: "poweroff"),
    Case(
      "command-line-is-whole", script: "rowhouse run $GUESTS/hello.elf --timeout 30 -- $(cat words)",
      files: ["words": Array(words.utf8)], says: ["command line: \(words)\n"]),
    Case(
      "pvh-modules", guest: "hello.elf", "--initrd first --module 'second its text' --module third",
      files: ["first": [1], "second": bytes(4097), "third": bytes(70_000)],
      says: [", 1 bytes", ", 4097 bytes: its text\n", ", 70000 bytes"], verdict: "poweroff"),
    Case(
      "multiboot-elf64", guest: "multiboot.elf", words: "a b",
      says: [
        "boot loader: Rowhouse\n", "command line: ", "multiboot.elf a b\n", "memory 0x000100000 + 0x00ff00000 usable",
      ],
      verdict: "poweroff"),
    Case(
      "multiboot-elf32", guest: "multiboot32.elf", "--boot multiboot",
      says: ["Hello from"], verdict: "poweroff"),
    Case(
      "multiboot-as-kvm-unit-tests", guest: "unit-test.elf", words: "one two", status: 1,
      says: ["unit-test.elf one two\n"],
      verdict: "debugExit"),
    Case("multiboot-kludge", guest: "multiboot-kludge.bin", says: ["Hello from"], verdict: "poweroff"),
    Case(
      "multiboot-modules", guest: "multiboot32.elf", "--module 'first with text' --module second",
      files: ["first": Array("first module's bytes".utf8), "second": Array("second".utf8)],
      says: [
        "20 bytes: ", "with text\n", "begins with \"first module's b\"", "6 bytes: ", "begins with \"second\"",
      ], verdict: "poweroff"),
    Case(
      "real-mode", guest: "realmode.bin", "--boot flat --load-address 0x7c00 --entry 0x7c00", status: 85,
      verdict: "debugExit"),
    Case(
      "real-mode-elsewhere", guest: "realmode.bin", "--boot flat --load-address 31744", status: 85,
      verdict: "debugExit"),

    // A kernel is not what somebody says it is.
    Case(
      refused: "forced-linux", "rowhouse run $GUESTS/realmode.bin --boot linux",
      naming: "realmode.bin", "linux"),
    Case(
      refused: "forced-multiboot", "rowhouse run $GUESTS/hello.elf --boot multiboot",
      naming: "hello.elf", "multiboot"),
    Case(refused: "forced-pvh", "rowhouse run $GUESTS/multiboot.elf --boot pvh", naming: "multiboot.elf", "pvh"),
    Case(refused: "not-found-out", "rowhouse run $GUESTS/realmode.bin", naming: "realmode.bin", "--boot flat"),
  ]

  /// A command line of 3,000 bytes, of which each is at its place.
  private static let words = (0..<600).map { String($0 + 1000) }.joined(separator: " ")

  private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }
}
