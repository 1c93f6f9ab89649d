import Foundation
import Host
import Testing

/// `rowhouse run` on a person's terminal: which keys are the guest's, and that the terminal is given back however the
/// run ends.
///
/// These need no more of a KVM than that it runs a guest of a few instructions. The terminal is this host's, so they cannot
/// go to the lab: a host without KVM is told that they were not run.
@Suite(
  "Terminal",
  .enabled(
    if: GuestRunner.reasonAgainstHost == nil,
    "THE TERMINAL TESTS WERE NOT RUN: they need a /dev/kvm on this host, since the terminal is this host's too"),
  .serialized)
struct TerminalTests {
  private func echo() throws -> TerminalSession {
    let session = try TerminalSession.guest("echo", saying: "echoing until a line says exit")
    try TerminalSession.wait(for: "raw mode") { session.isRaw }
    return session
  }

  private func state(of process: Int32) -> Character? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return nil }
    return text.split(separator: ")").last?.first { $0 != " " }
  }

  /// Whether a process is no more, or is only waited for by its parent.
  private func isGone(_ process: Int32) -> Bool { [nil, "Z", "X"].contains(state(of: process)) }

  @Test func keysAreTheGuests() throws {
    let session = try echo()
    try session.type("abc\u{3}\u{1a}\u{1c}\u{4}")
    try session.expect("abc\u{3}\u{1a}\u{1c}\u{4}")
    try session.type("\u{1}")
    try session.type("a\u{1}\u{1}\u{1}q.")
    try session.expect("\u{1}\u{1}\u{1}q.")
    try session.type("\u{1}h")
    try session.expect("Ctrl-A x ends the guest")
    try session.type("\rexit\r")
    #expect(try session.waitForEnd() == .exited(status: 0))
    try session.expect("bytes=")
    try session.expect("rowhouse: the guest powered off after")
    #expect(!session.isRaw)
  }

  @Test func escapeEndsTheGuest() throws {
    let session = try echo()
    try session.type("words\u{1}x")
    #expect(try session.waitForEnd() == .exited(status: 0))
    try session.expect("rowhouse: the guest was stopped after")
    #expect(!session.isRaw)
  }

  /// A guest that reads nothing, and more keys than the pipe to the VMM and the VMM hold.
  @Test func escapeWorksWhenTheGuestReadsNothing() throws {
    let session = try TerminalSession.guest("spin", saying: "spins")
    try TerminalSession.wait(for: "raw mode") { session.isRaw }
    let line = String(repeating: "x", count: 1000)
    for _ in 0..<200 {
      // The terminal's own buffer of 4 KiB is full now and then.
      try TerminalSession.wait(for: "room for keys") { (try? session.type(line)) != nil }
    }
    try session.type("\u{1}x")
    #expect(try session.waitForEnd() == .exited(status: 0))
    #expect(!session.isRaw)
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT])
  func signalsStopTheGuest(signal: Int32) throws {
    let session = try echo()
    session.send(signal)
    #expect(try session.waitForEnd() == .exited(status: 0))
    try session.expect("rowhouse: the guest was stopped after")
    #expect(!session.isRaw)
  }

  @Test(arguments: [
    (SIGKILL, 137, "the guest was killed (after"), (SIGSEGV, 1, "the VMM crashed by signal 11 (Segmentation fault)"),
    (SIGABRT, 1, "the VMM crashed by signal 6 (Aborted)"), (SIGTERM, 0, "the guest was stopped"),
  ] as [(Int32, Int32, String)])
  func theVMMIsSignalled(signal: Int32, status: Int32, sentence: String) throws {
    let session = try echo()
    kill(try session.child, signal)
    #expect(try session.waitForEnd() == .exited(status: status))
    try session.expect(sentence)
    #expect(!session.isRaw)
  }

  @Test func aVMMThatDoesNotEndIsKilled() throws {
    let session = try echo()
    kill(try session.child, SIGSTOP)
    let asked = Instant.now
    try session.type("\u{1}x")
    #expect(try session.waitForEnd() == .exited(status: 137))
    #expect((4_900_000_000...10_000_000_000).contains(Instant.now.nanoseconds(since: asked)))
    #expect(!session.isRaw)
  }

  @Test func theVMMEndsWithItsSupervisor() throws {
    let session = try echo()
    let vmm = try session.child
    session.send(SIGKILL)
    #expect(try session.waitForEnd() == .killed(signal: SIGKILL))
    try TerminalSession.wait(for: "the VMM's end") { isGone(vmm) }
  }

  /// What cannot be given back by one that is killed, `stty sane` gives back.
  @Test func theTerminalIsUsableAfterAKill() throws {
    let root = GuestRunner.root
    let (name, rowhouse) = ("killed-\(UUID().uuidString.prefix(8))", root + "/bin/rowhouse")
    let script = """
      \(rowhouse) run \(root)/guests/build/echo.elf --name \(name); echo "status $?"; stty sane
      read -r word; echo "read $word"; until \(rowhouse) list | grep "\(name)  *crashed"; do sleep 0.02; done
      \(rowhouse) remove \(name); \(rowhouse) list | grep "\(name)"; echo over
      """
    let session = try TerminalSession(["/bin/sh", "-c", script])
    try session.expect("echoing until a line says exit")
    try TerminalSession.wait(for: "raw mode") { session.isRaw }
    kill(try session.child, SIGKILL)
    try session.expect("status 137")
    try TerminalSession.wait(for: "a sane terminal") { !session.isRaw }
    try session.type("word\r")
    try session.expect("read word")
    try session.expect("crashed")
    #expect(try !session.expect("over").contains(name))
    #expect(try session.waitForEnd() == .exited(status: 0))
  }

  @Test func aLostTerminalStopsTheGuest() throws {
    let session = try echo()
    let vmm = try session.child
    session.hangUp()
    #expect(try session.waitForEnd() == .exited(status: 0))
    #expect(isGone(vmm))
  }

  @Test func aRefusedKernelLeavesTheTerminalAlone() throws {
    let session = try TerminalSession([GuestRunner.root + "/bin/rowhouse", "run", "/nowhere/kernel"])
    #expect(try session.waitForEnd() == .exited(status: 2))
    try session.expect("/nowhere/kernel")
    #expect(!session.isRaw)
  }

  @Test func stopsAndGoesOn() throws {
    let session = try echo()
    let vmm = try session.child
    session.send(SIGTSTP)
    try TerminalSession.wait(for: "the stop") { state(of: session.process) == "T" && state(of: vmm) == "T" }
    #expect(!session.isRaw)
    session.send(SIGCONT)
    try TerminalSession.wait(for: "raw mode") { session.isRaw }
    try session.type("back")
    try session.expect("back")
    try session.type("\u{1}x")
    #expect(try session.waitForEnd() == .exited(status: 0))
    #expect(!session.isRaw)
  }

  /// A shell's job: it keeps its hands off the terminal until it is brought to the front.
  @Test func runsInTheBackground() throws {
    let session = try TerminalSession(["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"])
    let root = GuestRunner.root
    try session.type("\(root)/bin/rowhouse run \(root)/guests/build/echo.elf &\r")
    try session.expect("echoing until a line says exit")
    // What the shell makes of this is another text than what the terminal echoes.
    try session.type("echo one$((1 + 1))three\r")
    try session.expect("one2three")
    #expect(!session.isRaw)
    try session.type("fg\r")
    try TerminalSession.wait(for: "raw mode") { session.isRaw }
    try session.type("key")
    try session.expect("key")
    try session.type("\u{1}x")
    try session.expect("rowhouse: the guest was stopped after")
    try session.type("exit\r")
    #expect(try session.waitForEnd() == .exited(status: 0))
  }

  @Test func aListIsDrawnOverTheLast() throws {
    let session = try TerminalSession([DetachedGuest.rowhouse, "list", "--watch"])
    // From the top-left corner on; what was there is cleared as it is drawn over (ECMA-48, CUP, EL and ED).
    for _ in 0..<2 {
      try session.expect("\u{1b}[1;1HNAME")
      try session.expect("\u{1b}[K\r\n")
      try session.expect("\u{1b}[J")
    }
    try session.type("\u{3}")
    #expect(try session.waitForEnd() == .killed(signal: SIGINT))
  }
}
