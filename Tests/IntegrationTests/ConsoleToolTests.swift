import CLinux
import Foundation
import Host
import Testing

/// A console where other people's tools find it: a pseudo-terminal, or a TCP port.
@Suite(
  "Console for other tools",
  .enabled(
    if: GuestRunner.reasonAgainstHost == nil,
    "THE CONSOLE'S PSEUDO-TERMINAL AND PORT WERE NOT TESTED: that needs a /dev/kvm on this host, which they are on"),
  .serialized)
struct ConsoleToolTests {
  /// A tool, or what it would use: an open end, and what came from it and was not looked at.
  private struct Tool: ~Copyable {
    private let end: Descriptor
    private var output: [UInt8] = []

    init(terminal path: String) throws {
      end = try .open(path, [.readWrite, .noControllingTerminal, .nonBlocking])
    }

    /// - Parameter place: "tcp:127.0.0.1:PORT".
    init(place: String) throws { end = try Self.connect(try #require(UInt16(place.split(separator: ":")[2]))) }

    private static func connect(_ port: UInt16) throws -> Descriptor {
      let end = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
      var address = sockaddr_in()
      address.sin_family = UInt16(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      // SAFETY: a local copy of the family's own type, with its true size.
      let outcome = unsafe withUnsafePointer(to: address) { address in
        unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe Glibc.connect(end.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard outcome == 0 else { throw SystemCallError("connect", Errno(rawValue: errno)) }
      return end
    }

    func type(_ text: String) throws { try end.writeAll(text) }

    /// Waits for `text`, and forgets all up to its end.
    mutating func expect(_ text: String) throws {
      let wanted = Array(text.utf8)
      while true {
        if let range = output.firstRange(of: wanted) {
          output.removeFirst(range.upperBound)
          return
        }
        let so = String(decoding: output, as: UTF8.self)
        try #require(linux_poll_readable(end.number, 20_000) > 0, "no “\(text)” in “\(so)”")
        let bytes = try end.read(atMost: 1 << 16)
        try #require(!bytes.isEmpty, "the end of “\(so)”")
        output += bytes
      }
    }
  }

  @Test func aPortIsComeBackTo() throws {
    let guest = try DetachedGuest("echo.elf", "--console", "tcp:127.0.0.1:0")
    let place = try #require(try guest.shown("console"))
    #expect(guest.greeting.contains("the console is \(place)"))
    do {
      var first = try Tool(place: place)
      try first.expect("echoing until a line says exit")
      try first.type("first")
      try first.expect("first")
    }
    var second = try Tool(place: place)
    var third = try Tool(place: place)
    try second.expect("exit\nfirst")
    try third.type("third")
    try second.expect("third")
    // All is one line: who watches otherwise sees it too.
    let viewer = try guest.attach()
    try viewer.expect("firstthird")
    try viewer.type("\rexit\r")
    try second.expect("bytes=16")
    try third.expect("bytes=16")
    #expect(try viewer.waitForEnd() == .exited(status: 0))
  }

  @Test func aTerminalIsComeBackTo() throws {
    let guest = try DetachedGuest("echo.elf", "--console", "pty")
    let path = try #require(try guest.shown("console"))
    #expect(path.hasPrefix("/dev/pts/"))
    do {
      var first = try Tool(terminal: path)
      try first.expect("echoing until a line says exit")
      try first.type("first")
      try first.expect("first")
    }
    var second = try Tool(terminal: path)
    try second.type("second\rexit\r")
    try second.expect("bytes=17")
    #expect(try DetachedGuest.run(["wait", guest.name], status: 0) == "")
  }

  /// Types a line, sees that the guest says it again, and has the guest end.
  private func talk(to guest: DetachedGuest, by tool: TerminalSession) throws {
    try tool.type("by a tool\r")
    try tool.expect("by a tool")
    try tool.type("exit\r")
    try tool.expect("bytes=")
    try DetachedGuest.run(["wait", guest.name], status: 0)
  }

  @Test func socatTalksToThePort() throws {
    let guest = try DetachedGuest("echo.elf", "--console", "tcp:127.0.0.1:0")
    let port = try #require(try guest.shown("console")?.split(separator: ":").last)
    let socat = try TerminalSession(["socat", "STDIO,raw,echo=0", "TCP:127.0.0.1:\(port)"])
    try socat.expect("echoing until a line says exit")
    try talk(to: guest, by: socat)
    #expect(try socat.waitForEnd() == .exited(status: 0))
  }

  @Test func socatTalksToTheTerminal() throws {
    let guest = try DetachedGuest("echo.elf", "--console", "pty")
    let path = try #require(try guest.shown("console"))
    let socat = try TerminalSession(["socat", "STDIO,raw,echo=0", "OPEN:\(path),raw,echo=0"])
    try socat.expect("echoing until a line says exit")
    try talk(to: guest, by: socat)
    // The terminal has gone, which it takes for an error.
    _ = try socat.waitForEnd()
  }

  @Test func picocomLeavesAndComesBack() throws {
    let guest = try DetachedGuest("echo.elf", "--console", "pty")
    let path = try #require(try guest.shown("console"))
    let first = try TerminalSession(["picocom", "--nolock", path])
    // What was said before it throws away.
    try first.expect("Terminal ready")
    try first.type("first")
    try first.expect("first")
    // Ctrl-A Ctrl-X.
    try first.type("\u{1}\u{18}")
    #expect(try first.waitForEnd() == .exited(status: 0))
    let second = try TerminalSession(["picocom", "--nolock", path])
    try second.expect("Terminal ready")
    try second.type("\r")
    try talk(to: guest, by: second)
    _ = try second.waitForEnd()
  }

  @Test func screenShowsTheTerminal() throws {
    let guest = try DetachedGuest("echo.elf", "--console", "pty")
    let path = try #require(try guest.shown("console"))
    let folder = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let screen = try TerminalSession(["env", "SCREENDIR=\(folder)", "TERM=vt100", "screen", "-c", "/dev/null", path])
    // What was said before it throws away, and so it does with what is typed before it is ready.
    var output: [UInt8] = []
    try TerminalSession.wait(for: "screen") {
      try screen.type("x")
      output += try screen.next(atMost: 4096, seconds: 0.2)
      return output.contains(UInt8(ascii: "x"))
    }
    try screen.type("\r")
    try talk(to: guest, by: screen)
    _ = try screen.waitForEnd()
  }

  /// Nobody opens the terminal, nobody reads the port's socket: the guest says all that it has to say, and the log has it.
  @Test(arguments: ["pty", "tcp:127.0.0.1:0"]) func nobodyReads(console: String) throws {
    let guest = try DetachedGuest(
      "flood.bin", "--boot", "flat", "--load-address", "0x10000", "--console", console)
    let place = try #require(try guest.shown("console"))
    let silent = console == "pty" ? nil : try Tool(place: place)
    _ = try DetachedGuest.run(["wait", guest.name], status: 85)
    #expect(try guest.log.count == 9600 * 16)
    _ = consume silent
  }
}
