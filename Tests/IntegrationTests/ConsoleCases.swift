import Testing

extension Case {
  /// Where a guest's console can end, and how readers there can behave.
  static let consoles: [Case] = [
    Case(
      "console-file", script: "\(run("hello")) --console file:out; status=$?; cat out; rm out; exit $status",
      says: ["Hello from a guest kernel.\n", "usable\n"], verdict: "poweroff"),
    Case("console-file-is-emptied-first", script: """
      seq 10000 > out
      \(run("hello")) --console file:out || exit
      head -n 1 out; rm out
      """, says: ["Hello from a guest kernel."], verdict: "poweroff"),
    Case("console-none", guest: "hello.elf", "--console none", verdict: "poweroff") { $0.expectNoOutput() },
    // Nobody opens the terminal: what it does not take must not stop the guest.
    Case(
      "console-pty-without-a-reader", guest: "hello.elf", "--console pty", warns: ["/dev/pts/"], verdict: "poweroff"),
    flood("output-to-a-pipe", "| cat > out"),
    flood("output-to-a-file", "> out"),
    flood("output-to-a-console-file", "", "--console file:out"),
    // 150 KiB are more than the pipe and the program hold together, so the guest has to wait, and no byte is lost.
    flood("output-to-a-late-reader", "| { sleep 1; cat > out; }"),
    flood(
      "output-to-a-slow-reader",
      "| while [ $(dd bs=8k count=1 2>/dev/null | tee -a out | wc -c) != 0 ]; do sleep 0.01; done"),
    // A disk that is full is spoken of, once, and at the end how much it cost.
    Case(
      "output-to-a-full-disk", script: "\(run("hello")) > /dev/full",
      warns: ["--console: No space left on device", "the guest powered off after", "bytes of its console went nowhere"],
      warningLines: 2, verdict: "poweroff"),
    // A guest does not hang on its reader's life.
    Case(
      "reader-goes-away", script: "{ \(flood); echo $? > kept; } | head -n 1; await kept 85; exit $(cat kept)",
      status: 85, says: ["line 00000 here\n"], verdict: "debugExit"),
    Case(
      "reader-was-never-there", script: "{ sleep 0.2; \(run("hello")); echo $? > kept; } | true; await kept 0",
      verdict: "poweroff"),
  ]

  /// The guest that prints more than anybody holds, with its output led into the file `out`.
  private static func flood(_ name: String, _ redirection: String, _ options: String = "") -> Case {
    Case(
      name, script: "{ \(flood) \(options); echo $? > kept; } \(redirection); cat out; rm out; exit $(cat kept)",
      status: 85, verdict: "debugExit"
    ) { $0.expectFlood() }
  }

  private static func run(_ guest: String) -> String {
    "rowhouse run $GUESTS/\(guest).elf --verdict verdict --timeout 30"
  }

  private static let flood =
    "rowhouse run $GUESTS/flood.bin --boot flat --load-address 0x10000 --verdict verdict --timeout 150"
}

extension Outcome {
  /// All that the guest `flood` prints is there, and in its order.
  fileprivate func expectFlood() {
    let lines = outputText.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 9601)
    let wrong = lines.dropLast().indices.first { lines[$0] != "line \(String($0 + 100_000).dropFirst()) here" }
    #expect(wrong == nil, "the first line that is not right: \(lines[wrong!])")
  }
}
