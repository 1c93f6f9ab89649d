import CLinux
import Foundation
import Host

/// A program on a terminal of its own, as a person has it: a pseudo-terminal whose other side this test types on.
final class TerminalSession {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let program: ChildProcess
  /// The person's side, nil when it has hung up.
  private var controlling: Descriptor?
  /// The terminal itself, held open here so that its mode can be looked at when nobody else has it.
  private let terminal: Descriptor
  /// What was read and not yet expected.
  private var output: [UInt8] = []
  private var end: ChildProcess.End?

  /// Starts `words` as the leader of a new session, with standard input, output and error on the new terminal.
  ///
  /// - Parameter words: the first is a program's path.
  init(_ words: [String]) throws {
    var name = [CChar](repeating: 0, count: 64)
    // SAFETY: the array's own memory, and its true size.
    let number = unsafe try checked("posix_openpt", linux_open_pty(&name, name.count))
    controlling = Descriptor(owning: number)
    let path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    terminal = try .open(path, [.readWrite, .noControllingTerminal])
    let ends = [Int32](repeating: terminal.number, count: 3)
    let street = "XDG_RUNTIME_DIR=\(Self.street)"
    // As at a login, also where these tests run in the background of a script, which has its jobs ignore such keys.
    program = try ChildProcess(
      "/usr/bin/env", [street, "/usr/bin/setsid", "--ctty"] + words, descriptors: ends, defaults: [SIGINT, SIGQUIT])
  }

  /// Where guests are found. Those whose supervisor is killed leave their folder behind: not among those of whoever
  /// runs this test.
  static let street = FileManager.default.temporaryDirectory.path

  deinit { if end == nil { program.send(SIGKILL) } }

  /// `rowhouse run` with one of our guests, which has said `greeting` when this returns.
  static func guest(_ name: String, saying greeting: String) throws -> TerminalSession {
    let root = GuestRunner.root
    let session = try TerminalSession(["\(root)/bin/rowhouse", "run", "\(root)/guests/build/\(name).elf"])
    try session.expect(greeting)
    return session
  }

  var process: Int32 { program.process }

  /// The first child of the program: the VMM of a `rowhouse run`.
  var child: Int32 {
    get throws {
      let text = try String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
      guard let child = text.split(separator: " ").first.flatMap({ Int32($0) }) else {
        throw Failure(description: "\(process) has no child")
      }
      return child
    }
  }

  /// Whether keys go through as they are typed.
  var isRaw: Bool {
    var state = termios()
    // SAFETY: a local variable of the type that the call fills.
    return unsafe tcgetattr(terminal.number, &state) == 0 && state.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == 0
  }

  /// Gives the terminal's window another size, as a person does with a mouse.
  func resize(columns: UInt16, rows: UInt16) throws {
    try TerminalSize(columns: columns, rows: rows).apply(to: terminal.number)
  }

  func type(_ keys: String) throws { try controlling?.writeAll(keys) }

  func send(_ signal: Int32) { program.send(signal) }

  /// Closes the person's side, as a lost connection does.
  func hangUp() { controlling = nil }

  /// Waits until the terminal shows `text`, and forgets all before it and itself.
  ///
  /// - Returns: what stood before it.
  @discardableResult
  func expect(_ text: String, seconds: Double = 20) throws -> String {
    let wanted = Array(text.utf8)
    let deadline = Instant.now.advanced(byNanoseconds: UInt64(seconds * 1e9))
    while true {
      if let range = output.firstRange(of: wanted) {
        defer { output.removeFirst(range.upperBound) }
        return String(decoding: output[..<range.lowerBound], as: UTF8.self)
      }
      guard Instant.now < deadline, let number = controlling?.number else {
        throw Failure(description: "no “\(text)” in “\(String(decoding: output, as: UTF8.self))”")
      }
      var wanted = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
      // SAFETY: one local variable, and the call is told that it is one.
      guard unsafe poll(&wanted, 1, 100) > 0 else { continue }
      var chunk = [UInt8](repeating: 0, count: 4096)
      // SAFETY: the array's own memory, and its true size.
      let count = unsafe read(number, &chunk, chunk.count)
      if count > 0 { output += chunk[..<count] }
    }
  }

  /// Reads on, without a thought for what was expected.
  ///
  /// - Returns: `most` bytes at the most; none when nothing comes for so many seconds.
  func next(atMost most: Int, seconds: Double = 20) throws -> [UInt8] {
    guard let number = controlling?.number else { return [] }
    var wanted = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    // SAFETY: one local variable, and the call is told that it is one.
    guard unsafe poll(&wanted, 1, Int32(seconds * 1000)) > 0 else { return [] }
    return try controlling?.read(atMost: most) ?? []
  }

  /// Stops the terminal's output, as Ctrl-S does, or lets it go on (tcflow(3)).
  func setStopped(_ isStopped: Bool) throws {
    guard tcflow(terminal.number, isStopped ? TCOOFF : TCOON) == 0 else { throw Failure(description: "tcflow") }
  }

  /// What is left of what the terminal has shown, once the program has ended.
  func readAll() -> String {
    while let number = controlling?.number {
      var wanted = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
      // SAFETY: one local variable, and the call is told that it is one.
      guard unsafe poll(&wanted, 1, 0) > 0, let bytes = try? controlling?.read(atMost: 4096), !bytes.isEmpty else {
        break
      }
      output += bytes
    }
    defer { output = [] }
    return String(decoding: output, as: UTF8.self)
  }

  /// Waits until something is so.
  static func wait(for what: String, seconds: Double = 20, _ isSo: () throws -> Bool) throws {
    let deadline = Instant.now.advanced(byNanoseconds: UInt64(seconds * 1e9))
    while try !isSo() {
      guard Instant.now < deadline else { throw Failure(description: "waited in vain: \(what)") }
      usleep(5000)
    }
  }

  /// Waits for the program's end. It is the whole program's: no process of its session outlives it by much.
  func waitForEnd() throws -> ChildProcess.End {
    try Self.wait(for: "the program's end") {
      end = try end ?? program.collect()?.end
      return end != nil
    }
    return end!
  }
}
