import Control
import Foundation
import Host
import Testing

/// A VMM that may open no more files: whoever comes to its sockets waits, and it does not spin meanwhile.
@Suite(
  "A guest's sockets, without a descriptor left",
  .enabled(
    if: GuestRunner.reasonAgainstHost == nil,
    "A VMM WITHOUT DESCRIPTORS WAS NOT TESTED: that needs a /dev/kvm on this host, whose /proc is looked at"))
struct DescriptorLimitTests {
  @Test func whoComesWaits() throws {
    let cable = TerminalSession.street + "/cable-\(UUID().uuidString.prefix(8))"
    let guest = try DetachedGuest("echo.elf", "--net", "socket=\(cable)", "--console", "tcp:127.0.0.1:0")
    try TerminalSession.wait(for: "the guest's greeting") { try !guest.log.isEmpty }
    let port = try #require(try guest.shown("console")?.split(separator: ":").last)
    let process = try guest.process
    let used = try Set(
      FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").compactMap { Int($0) })
    let all = try limit(process, to: (0...).first { !used.contains($0) }!)

    var control = try SocketClient(guest, .control)
    try control.send(ControlRequest.status.frame(id: 1))
    var console = try SocketClient(guest, .console)
    try console.send(ViewerMessage.attach(ConsoleAttachment(replayBytes: .max, writing: .takesOver)).frame())
    let peer = try Descriptor.connect(to: cable)
    let socat = try TerminalSession(["socat", "STDIO,raw,echo=0", "TCP:127.0.0.1:\(port)"])
    let before = try ticks(process)
    usleep(1_000_000)
    let spent = try ticks(process) - before
    // Of a hundred, all of which it would take if it looked again and again.
    #expect(spent <= 10)

    try limit(process, to: all)
    #expect(try control.next().id == 1)
    #expect(ConsoleMessage(try console.next()) != nil)
    try socat.expect("echoing until a line says exit")
    withExtendedLifetime(peer) {}
  }

  /// Sets how many descriptors a process may have (prlimit(1)).
  ///
  /// - Returns: how many it was.
  @discardableResult
  private func limit(_ process: Int32, to count: Int) throws -> Int {
    let limits = try String(contentsOfFile: "/proc/\(process)/limits", encoding: .utf8)
    let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
    let old = try #require(Int(line.split(separator: " ")[3]))
    let tool = try Process.run(
      URL(filePath: "/usr/bin/env"), arguments: ["prlimit", "--pid", "\(process)", "--nofile=\(count):"])
    tool.waitUntilExit()
    try #require(tool.terminationStatus == 0)
    return old
  }

  /// CPU time of a process's first thread, in hundredths of a second (proc(5), stat).
  private func ticks(_ process: Int32) throws -> Int {
    let stat = try String(contentsOfFile: "/proc/\(process)/task/\(process)/stat", encoding: .utf8)
    // The name, in brackets, may hold anything; the state follows as field 3, the times are 14 and 15.
    let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
    return try #require(Int(fields[11])) + #require(Int(fields[12]))
  }
}
