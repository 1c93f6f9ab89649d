import Foundation
import Host
import Testing

/// `rowhouse console` on a person's terminal: several at once, and the terminal given back however it ends.
@Suite(
  "Console on a terminal",
  .enabled(
    if: GuestRunner.reasonAgainstHost == nil,
    "THE CONSOLE'S TERMINAL TESTS WERE NOT RUN: they need a /dev/kvm on this host; the terminal is this host's too"),
  .serialized)
struct ConsoleTerminalTests {
  @Test func keysAndReplay() throws {
    let guest = try DetachedGuest()
    let first = try guest.attach()
    try first.expect("echoing until a line says exit")
    try first.type("abc\u{3}\u{1a}\u{1}\u{1}z")
    try first.expect("abc\u{3}\u{1a}\u{1}z")
    try first.type("\u{1}h")
    try first.expect("Ctrl-A d detaches")
    try first.type("\u{1}d")
    #expect(try first.waitForEnd() == .exited(status: 0))
    try first.expect("rowhouse: detached from \(guest.name), which goes on")
    #expect(!first.isRaw)
    let second = try guest.attach("--replay", "6")
    try second.expect("Ctrl-A h helps")
    #expect(try second.expect("z").contains("c\u{3}\u{1a}\u{1}"))
    try second.type("\rexit\r")
    #expect(try second.waitForEnd() == .exited(status: 0))
    try second.expect("bytes=")
    try second.expect("rowhouse: \(guest.name): the guest powered off")
    #expect(!second.isRaw)
  }

  /// What a program in a guest moves the cursor by, after lines that its system ended with CR LF.
  private static let lines = String(repeating: "\r\n", count: 4) + "down\nand\non"

  @Test func lineFeedsMoveDown() throws {
    let guest = try DetachedGuest()
    let session = try guest.attach()
    try session.expect("echoing until a line says exit\r\n")
    try session.type(Self.lines)
    try session.expect("down\nand\non")
    let run = try TerminalSession.guest("echo", saying: "echoing until a line says exit\r\n")
    try TerminalSession.wait(for: "raw mode") { run.isRaw }
    try run.type(Self.lines)
    try run.expect("down\nand\non")
    try run.type("\u{1}h")
    try run.expect("Ctrl-A h shows this\r\n")
  }

  @Test func severalWatchAndOneWrites() throws {
    let guest = try DetachedGuest()
    let (first, second) = (try guest.attach(), try guest.attach())
    let third = try guest.attach("--read-only")
    try first.type("one")
    for session in [first, second, third] { try session.expect("one") }
    try second.type("nowhere")
    try second.expect("rowhouse: not typed: another writes; Ctrl-A w takes over")
    try second.type("\u{1}w")
    try first.expect("rowhouse: another has taken over; Ctrl-A w takes it back")
    try second.type("two")
    for session in [first, second, third] { #expect(try !session.expect("two").contains("nowhere")) }
    let fourth = try guest.attach("--write")
    try second.expect("rowhouse: another has taken over")
    try third.type("deaf\u{1}w")
    try fourth.type("four")
    for session in [first, second, third, fourth] { #expect(try !session.expect("four").contains("deaf")) }
    for session in [first, second, third, fourth] {
      try session.type("\u{1}d")
      #expect(try session.waitForEnd() == .exited(status: 0))
    }
  }

  /// Each begins at the left of a window that need not be wide, whatever the guest has said last.
  @Test func noticesStandOnLinesOfTheirOwn() throws {
    let guest = try DetachedGuest()
    let first = try guest.attach()
    #expect(try first.expect("\r\n") == "; Ctrl-A d detaches, Ctrl-A h helps")
    try first.type("hello wor")
    try first.expect("hello wor")
    let second = try guest.attach("--write")
    #expect(try second.expect("\r\n") == "; Ctrl-A d detaches, Ctrl-A h helps")
    try first.expect("\r\nrowhouse: another has taken over; Ctrl-A w takes it back\r\n")
    try second.type("ld\r\n")
    try first.expect("ld\r\n")
    try first.type("x")
    #expect(try first.expect("rowhouse: not typed: another writes; Ctrl-A w takes over\r\n") == "")
    let third = try guest.attach()
    #expect(try third.expect("rowhouse: another writes here; Ctrl-A w takes over\r\n").hasSuffix("\r\n"))
    try second.type("left")
    try first.expect("left")
    try first.type("\u{1}d")
    #expect(try first.waitForEnd() == .exited(status: 0))
    #expect(first.readAll() == "\r\nrowhouse: detached from \(guest.name), which goes on\r\n")
  }

  @Test func aPausedGuestIsSaidToBe() throws {
    let guest = try DetachedGuest()
    try DetachedGuest.run(["pause", guest.name], status: 0)
    try guest.attach().expect("rowhouse: the guest is paused; `rowhouse resume` has it go on\r\n")
    try DetachedGuest.run(["resume", guest.name], status: 0)
    let session = try guest.attach()
    #expect(try !session.expect("exit\r\n").contains("paused"))
  }

  /// A terminal that takes nothing, a guest that has said more than it holds, and is no more.
  @Test(arguments: [["\u{1}", "d"], ["\u{1}d"], []])
  func aStuckTerminalKeepsNobody(keys: [String]) throws {
    let guest = try DetachedGuest("flood-on-key.bin", "--boot", "flat", "--load-address", "0x10000")
    let session = try guest.attach()
    try DetachedGuest.run(["send", guest.name, "x"], status: 0)
    try DetachedGuest.run(["wait", guest.name], status: 85)
    // Its VMM leaves a second later; then there is no connection any more.
    usleep(1_500_000)
    for key in keys {
      try session.type(key)
      usleep(200_000)
    }
    if keys.isEmpty { session.send(SIGTERM) }
    #expect(try session.waitForEnd() == .exited(status: keys.isEmpty ? 128 + SIGTERM : 85))
    #expect(!session.isRaw)
  }

  /// What a shell would suffer from is undone while it has the terminal, and made again.
  @Test func aStoppedConsoleLendsTheScreen() throws {
    let guest = try DetachedGuest()
    let session = try guest.attach()
    try session.type("\u{1b}[?1049h\u{1b}[?25lvi")
    try session.expect("vi")
    session.send(SIGTSTP)
    try session.expect("\u{1b}[?1049l\u{1b}[?25h")
    try TerminalSession.wait(for: "the terminal") { !session.isRaw }
    session.send(SIGCONT)
    try session.expect("\u{1b}[?1049h\u{1b}[?25l")
    try session.type("\u{1}d")
    try session.expect("\u{1b}[?1049l\u{1b}[?25h")
    #expect(try session.waitForEnd() == .exited(status: 0))
  }

  @Test func windowSizeIsTypedForTheGuest() throws {
    let guest = try DetachedGuest()
    let session = try guest.attach("--no-replay")
    try session.type("\u{1}r")
    try session.expect("rowhouse: the window's size is not known; nothing is typed\r\n")
    try session.resize(columns: 132, rows: 43)
    try session.type("\u{1}r")
    try session.expect("stty rows 43 columns 132")
    try session.type("\u{1}d")
    #expect(try session.waitForEnd() == .exited(status: 0))
  }

  @Test func aVirtioConsoleKnowsTheWritersWindow() throws {
    let guest = try DetachedGuest("echo.elf", "--console-device", "virtio", "--cmdline", "virtio")
    let (first, second) = (try guest.attach(), try guest.attach())
    try first.expect("echoing until")
    try first.resize(columns: 132, rows: 43)
    try second.resize(columns: 77, rows: 11)
    try expectGuest(in: first, toKnow: "132x43")
    try second.type("\u{1}w")
    try expectGuest(in: second, toKnow: "77x11")
    try second.resize(columns: 50, rows: 20)
    try expectGuest(in: second, toKnow: "50x20")
    for session in [first, second] {
      try session.type("\u{1}d")
      #expect(try session.waitForEnd() == .exited(status: 0))
    }
  }

  @Test func aVirtioConsoleKnowsItsOwnTerminal() throws {
    let session = try TerminalSession(
      [
        DetachedGuest.rowhouse, "run", GuestRunner.root + "/guests/build/echo.elf", "--console-device", "virtio",
        "--timeout", "120", "--", "virtio",
      ])
    try session.expect("echoing until")
    for (columns, rows) in [(132, 43), (77, 11)] as [(UInt16, UInt16)] {
      try session.resize(columns: columns, rows: rows)
      try expectGuest(in: session, toKnow: "\(columns)x\(rows)")
    }
    try session.type("\rexit\r")
    #expect(try session.waitForEnd() == .exited(status: 0))
  }

  /// The guest looks when something is typed; the window's size may still be on its way.
  private func expectGuest(in session: TerminalSession, toKnow window: String) throws {
    try TerminalSession.wait(for: "the window \(window)") {
      try session.type("a")
      return (try? session.expect("window=\(window)", seconds: 0.2)) != nil
    }
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT])
  func signalsDetach(signal: Int32) throws {
    let guest = try DetachedGuest()
    let session = try guest.attach()
    session.send(signal)
    #expect(try session.waitForEnd() == .exited(status: 128 + signal))
    #expect(!session.isRaw)
    _ = try guest.attach()
  }

  @Test func theVMMIsKilled() throws {
    let guest = try DetachedGuest()
    let session = try guest.attach()
    kill(try guest.process, SIGKILL)
    #expect(try session.waitForEnd() == .exited(status: 137))
    try session.expect("its VMM died before it could say how the guest ended")
    #expect(!session.isRaw)
  }

  /// As long as it is not let in the terminal's keys make signals.
  @Test func aVMMThatStandsStillKeepsNobody() throws {
    let guest = try DetachedGuest()
    let vmm = try guest.process
    kill(vmm, SIGSTOP)
    let session = try TerminalSession([DetachedGuest.rowhouse, "console", guest.name])
    usleep(1_000_000)
    try session.type("\u{3}")
    #expect(try session.waitForEnd() == .exited(status: 128 + SIGINT))
    #expect(!session.isRaw)
    kill(vmm, SIGCONT)
  }

  /// What a terminal would answer, into the shell that comes after.
  @Test func whatIsPrintedAsksTheTerminalNothing() throws {
    let guest = try DetachedGuest()
    try DetachedGuest.run(["expect", guest.name, "echoing"], status: 0)
    let text = "\\e[6nhere\\e[c \\e[31mthere"
    let sent = try DetachedGuest.run(["send", guest.name, text, "--expect", "[^\\n]*there"], status: 0)
    let expected = try DetachedGuest.run(["expect", guest.name, "[^\\n]*there"], status: 0)
    for shown in [sent, expected, try DetachedGuest.run(["logs", guest.name], status: 0)] {
      #expect(shown.contains("here \u{1b}[31mthere") && !shown.contains("\u{1b}[6n"), "\(shown.debugDescription)")
    }
    #expect(try String(decoding: guest.log, as: UTF8.self).contains("\u{1b}[6nhere\u{1b}[c \u{1b}[31mthere"))
  }

  /// Neither does what is left of a guest, nor what it has said by now, change the terminal of who reads it.
  @Test func whatIsPrintedLeavesTheTerminalAsItWas() throws {
    let guest = try DetachedGuest()
    try DetachedGuest.run(["expect", guest.name, "echoing"], status: 0)
    try DetachedGuest.run(["send", guest.name, "\\e[?1049h\\e[?25lvi", "--expect", "vi"], status: 0)
    let undoing = "vi\u{1b}[?1049l\u{1b}[?25h"
    #expect(try DetachedGuest.run(["logs", guest.name], status: 0).hasSuffix(undoing))
    try DetachedGuest.run(["kill", guest.name], status: 0)
    #expect(try DetachedGuest.run(["console", guest.name], status: 137).contains(undoing + "rowhouse: "))
  }

  @Test func aKilledConsoleIsNoLossToOthers() throws {
    let guest = try DetachedGuest()
    let (first, second) = (try guest.attach("--write"), try guest.attach())
    first.send(SIGKILL)
    #expect(try first.waitForEnd() == .killed(signal: SIGKILL))
    try second.type("mine")
    try second.expect("mine")
  }

  @Test func aLostTerminalDetaches() throws {
    let guest = try DetachedGuest()
    let session = try guest.attach()
    session.hangUp()
    #expect(try session.waitForEnd() == .exited(status: 128 + SIGHUP))
    _ = try guest.attach()
  }

  @Test func stopsAndGoesOn() throws {
    let guest = try DetachedGuest()
    let session = try guest.attach()
    session.send(SIGTSTP)
    try TerminalSession.wait(for: "the terminal") { !session.isRaw }
    session.send(SIGCONT)
    try TerminalSession.wait(for: "raw mode") { session.isRaw }
    try session.type("back")
    try session.expect("back")
  }
}
