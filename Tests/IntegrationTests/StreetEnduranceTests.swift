import Control
import Foundation
import Host
import Testing

/// Many come and go at a guest's sockets, and nothing of them stays.
@Suite(
  "A guest's sockets, a thousand times",
  .enabled(
    if: GuestRunner.reasonAgainstHost == nil,
    "THE ENDURANCE OF A GUEST'S SOCKETS WAS NOT TESTED: that needs a /dev/kvm on this host, whose /proc is looked at"),
  .serialized)
struct StreetEnduranceTests {
  /// What a process has of the kernel's (proc(5)).
  private struct Holdings {
    let descriptors: Int
    let threads: Int
    /// Resident memory that is no file's, in KiB; of this guest's own memory nothing new is touched.
    let kibibytes: Int

    init(_ process: Int32) throws {
      func count(_ folder: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/\(folder)").count
      }
      descriptors = try count("fd")
      threads = try count("task")
      let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
      kibibytes = try #require(Int(line.split(whereSeparator: \.isWhitespace)[1]))
    }
  }

  /// Attaches, with some replay, types a line, sees it come back, and leaves.
  private func visit(_ guest: DetachedGuest, typing line: String) throws {
    var client = try SocketClient(guest, .console)
    try client.send(ViewerMessage.attach(ConsoleAttachment(replayBytes: 1024, writing: .takesOver)).frame())
    try client.send(ViewerMessage.input(Array(line.utf8)).frame())
    var seen: [UInt8] = []
    while seen.firstRange(of: Array(line.utf8)) == nil {
      if case .output(let bytes)? = ConsoleMessage(try client.next()) { seen += bytes }
    }
  }

  /// Asks once, on a connection of its own or on one for all.
  private func ask(_ client: inout SocketClient, _ request: ControlRequest, id: UInt32) throws {
    try client.send(request.frame(id: id))
    let frame = try client.next()
    #expect(frame.id == id)
    switch ControlReply(frame) {
    // The guest has no driver that could say anything.
    case .refused(.noSuchDevice)? where request == .memory: break
    case .refused(let fault)?: Issue.record("\(request): \(fault)")
    case let reply: #expect(reply != nil && request != .memory, "\(request): \(frame)")
    }
  }

  @Test func nothingStaysAndNothingIsLost() throws {
    let guest = try DetachedGuest("echo.elf", "--memory", "16M", "--balloon", "0M", "--timeout", "900")
    let greeting = Array("echoing until a line says exit\n".utf8)
    try TerminalSession.wait(for: "the guest's greeting") { try guest.log.count >= greeting.count }
    let process = try guest.process
    let requests: [ControlRequest] = [
      .status, .sample, .consolePlace, .pause, .resume, .balloon(target: 4 << 20), .memory, .balloon(target: 0),
      .allot([AllotmentChange(AllotmentItem(.quota), to: 0)]),
    ]
    var typed: [UInt8] = []
    func rounds(_ numbers: Range<Int>) throws {
      var stays = try SocketClient(guest, .control)
      for number in numbers {
        let line = "visit \(number)\r"
        try visit(guest, typing: line)
        typed += line.utf8
        var comes = try SocketClient(guest, .control)
        // This one goes before it has its answer, which is the guest's end.
        try comes.send(ControlRequest.awaitEnd.frame(id: UInt32(number)))
        let request = requests[number % requests.count]
        try ask(&comes, request, id: UInt32(number + 1))
        try ask(&stays, request, id: UInt32(number))
        // A paused guest says nothing to the next visitor.
        if request == .pause { try ask(&stays, .resume, id: UInt32(number)) }
      }
      try settle(process)
    }
    // What is made once, when it is first needed, is made.
    try rounds(0..<100)
    let first = try Holdings(process)
    try rounds(100..<1100)
    try settle(process, to: first.descriptors)
    let second = try Holdings(process)
    try rounds(1100..<3100)
    try settle(process, to: first.descriptors)
    let third = try Holdings(process)
    for later in [second, third] {
      #expect(later.descriptors <= first.descriptors)
      #expect(later.threads == first.threads)
    }
    // A heap that has come to its size stays there. What each visit leaves behind adds up for as long as there are
    // visits: 48 bytes, a small object, for either of two thousand visits' connections would be 187 KiB.
    let growth = (second.kibibytes - first.kibibytes, third.kibibytes - second.kibibytes)
    #expect(growth.1 <= Self.spareKibibytes, "\(growth.0) KiB in 1000 visits, then \(growth.1) in 2000")

    try visit(guest, typing: "exit\r")
    typed += "exit\r".utf8
    _ = try DetachedGuest.run(["wait", guest.name], status: 0)
    let log = try guest.log
    let said = greeting + typed
    #expect(Array(log.prefix(said.count)) == said)
    // The guest's own count, and its checksum.
    let rest = String(decoding: log.dropFirst(said.count), as: UTF8.self)
    #expect(rest.contains("bytes=\(typed.count) adler32=0x\(Self.adler32(typed))"), "\(rest)")
  }

  private static let spareKibibytes = 128

  /// Connections that were closed here are seen there a moment later.
  private func settle(_ process: Int32) throws {
    var (last, timesAlike) = (try Holdings(process).descriptors, 0)
    for _ in 0..<200 where timesAlike < 20 {
      usleep(20_000)
      let now = try Holdings(process).descriptors
      timesAlike = now == last ? timesAlike + 1 : 0
      last = now
    }
  }

  /// On a busy host that moment is long.
  private func settle(_ process: Int32, to descriptors: Int) throws {
    for _ in 0..<1000 where try Holdings(process).descriptors > descriptors { usleep(20_000) }
  }

  /// RFC 1950, 8.2, as eight hexadecimal digits.
  private static func adler32(_ bytes: [UInt8]) -> String {
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    let digits = String(high << 16 | low, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
