import Host
import Testing

@testable import Machine

/// Consoles as kernels and people write them.
@Suite struct PanicWatchTests {
  enum Expected: Equatable {
    case calm, panicked, finished

    init(_ state: PanicWatch.State) {
      self =
        switch state {
        case .calm: .calm
        case .panicked: .panicked
        case .finished: .finished
        }
    }
  }

  private func watch(_ text: String) -> Expected {
    var watch = PanicWatch()
    for byte in text.utf8 {
      let before = watch.state
      let changed = watch.feed(byte)
      #expect(changed == (watch.state != before))
    }
    return Expected(watch.state)
  }

  /// Lines that end so many seconds after each other.
  private func watch(_ lines: [String], secondsApart: UInt64, isHeldUp: Bool = false) -> Expected {
    var watch = PanicWatch()
    var now = Instant(nanoseconds: 1)
    for line in lines {
      now = now.advanced(byNanoseconds: secondsApart * 1_000_000_000)
      if isHeldUp { watch.holdUp() }
      for byte in (line + "\n").utf8 { _ = watch.feed(byte, at: now) }
    }
    return Expected(watch.state)
  }

  private static let last = "---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000 ]---"
  private static let trace = [
    "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000",
    "CPU: 0 PID: 1 Comm: init Not tainted 6.1.0-41-cloud-amd64 #1  Debian 6.1.158-1", "Call Trace:", " <TASK>",
    " dump_stack_lvl+0x44/0x5c", " panic+0x118/0x2ed", " ? exc_page_fault+0x70/0x170", " </TASK>",
    "Kernel Offset: 0x1b000000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)", last,
  ]

  private static func stamped(_ lines: [String], _ stamp: String = "[    1.234567] ") -> String {
    lines.map { stamp + $0 + "\n" }.joined()
  }

  @Test(arguments: ["", "[    1.234567] ", "[12345.678901] ", "<0>", "<0>[    1.234567] ", "[    1.234567][    T1] ",
    "[    1.234567] [C0] "])
  func linux(_ prefix: String) {
    #expect(watch(Self.stamped(["Run /init as init process"] + Self.trace, prefix)) == .finished)
    #expect(watch(Self.stamped(Self.trace.dropLast(), prefix)) == .panicked, "before the last line")
  }

  @Test("Whatever ends lines")
  func lineEnds() {
    for end in ["\n", "\r\n", "\r", "\n\r", "\r\r\n", "\n\n"] {
      #expect(watch(Self.trace.map { "[    1.5] " + $0 + end }.joined()) == .finished)
    }
    // A line that is not ended may yet become another.
    #expect(watch("[    1.5] " + Self.trace[0]) == .calm)
  }

  @Test func xen() {
    let lines = [
      "", "****************************************", "Panic on CPU 0:", "No dom0 kernel found",
      "****************************************", "", "Reboot in five seconds...",
    ]
    let text = Self.stamped(lines, "(XEN) ")
    #expect(watch(text) == .panicked)
  }

  @Test func rebootingAfterAPanic() {
    #expect(watch(Self.stamped(Self.trace.dropLast() + ["Rebooting in 1 seconds.."])) == .panicked)
  }

  @Test("Text about panics is none", arguments: [
    "found \"Kernel panic - not syncing: VFS\" in the log\n",
    "# grep 'Kernel panic - not syncing' /var/log/kern.log\n",
    "[    1.234567] systemd[1]: Kernel panic - not syncing: no\n",
    "[    1.234567] Kernel panic\n",
    "[x] Kernel panic - not syncing: x\n",
    "[    1.234567 Kernel panic - not syncing: x\n",
    "kernel panic - not syncing: x\n",
    last + "\n",
    "[    1.234567] " + last + "\n",
    "",
    "\n\r\n\n",
  ])
  func quoted(_ text: String) { #expect(watch(text) == .calm) }

  @Test("A guest that goes on talking has not panicked")
  func goesOn() {
    #expect(watch(Self.stamped(Self.trace) + "# \n") == .calm)
    #expect(watch(Self.stamped(Self.trace) + "[    2.0] audit: still here\n") == .calm)
    // An old log in which another line follows that no kernel stamps.
    #expect(watch(Self.stamped([Self.trace[0]]) + "that was the log\n") == .calm)
  }

  @Test("A panic takes as long as the host and the console's reader need")
  func slow() {
    #expect(watch(Self.trace, secondsApart: 9) == .finished)
    #expect(watch(Self.trace, secondsApart: 3600, isHeldUp: true) == .finished)
  }

  @Test("Whoever makes a pause of its own is alive")
  func pauses() {
    #expect(watch(Array(Self.trace.prefix(3)), secondsApart: 11) == .calm)
    #expect(watch(Array(Self.trace.prefix(3)), secondsApart: 9) == .panicked)
  }

  @Test("After a shutdown in good order there was no panic")
  func shutsDown() {
    for line in ["reboot: Restarting system", "reboot: Power down"] {
      #expect(watch(Self.stamped([Self.trace[0], line])) == .calm)
    }
  }

  @Test("A prompt without a line end is somebody's word too")
  func prompt() {
    #expect(watch(Self.stamped(Self.trace) + "# ") == .calm)
    #expect(watch(Self.stamped(Self.trace) + "\r\n\n") == .finished)
  }

  @Test func lineOfAnyLength() {
    let long = String(repeating: "x", count: 10_000)
    #expect(watch(long + "Kernel panic - not syncing: x\n" + long + "\n") == .calm)
    #expect(watch("[    1.5] Kernel panic - not syncing: " + long + "\n") == .panicked)
  }

  @Test("Another panic after a false one counts")
  func twice() {
    let text = Self.stamped(Self.trace) + "# dmesg ends\n" + Self.stamped(Self.trace)
    #expect(watch(text) == .finished)
  }
}
