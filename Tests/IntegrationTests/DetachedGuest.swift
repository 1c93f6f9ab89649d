import Foundation
import Host
import Testing

/// A guest that was started with `run --detach` on a street of the tests' own, and is gone with the value.
final class DetachedGuest {
  let name = "test-\(UUID().uuidString.prefix(8))"
  /// What `run` said on its terminal.
  let greeting: String
  static let rowhouse = GuestRunner.root + "/bin/rowhouse"

  /// - Parameters:
  ///   - kernel: a file of `guests/build`.
  ///   - options: more of them for `run`.
  init(_ kernel: String = "echo.elf", _ options: String...) throws {
    let path = GuestRunner.root + "/guests/build/" + kernel
    let words = ["run", "--detach", "--name", name, path, "--timeout", "120"] + options
    greeting = try Self.run(words, status: 0)
  }

  deinit { _ = try? Self.run(["stop", "--grace", "0", "--remove", name], status: 0) }

  /// Runs a command to its end and returns what it said.
  @discardableResult
  static func run(_ words: [String], status: Int32) throws -> String {
    let session = try TerminalSession([rowhouse] + words)
    let end = try session.waitForEnd()
    #expect(end == .exited(status: status), "rowhouse \(words.joined(separator: " "))")
    return session.readAll()
  }

  /// What `rowhouse show` says of it under a name.
  func shown(_ item: String) throws -> String? {
    let prefix = item + ":"
    let text = try Self.run(["show", name], status: 0)
    return text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(prefix) }.map {
      $0.dropFirst(prefix.count).trimmingCharacters(in: .whitespaces)
    }
  }

  var folder: String { "\(TerminalSession.street)/rowhouse/\(name)" }

  /// All that it has said, as its log keeps it.
  var log: [UInt8] {
    get throws { try Array(Data(contentsOf: URL(filePath: folder + "/console.log"))) }
  }

  /// `rowhouse console`, attached.
  func attach(_ options: String...) throws -> TerminalSession {
    let session = try TerminalSession([Self.rowhouse, "console", name] + options)
    try session.expect("rowhouse: attached")
    try TerminalSession.wait(for: "raw mode") { session.isRaw }
    return session
  }

  /// Its VMM, known by the guest's folder among its arguments.
  var process: Int32 {
    get throws {
      let process = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.first {
        let arguments = (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8)) ?? ""
        return arguments.contains("rowhouse-vmm\0") && arguments.contains("/\(name)\0")
      }
      return try #require(process)
    }
  }
}
