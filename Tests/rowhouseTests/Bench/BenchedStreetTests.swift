import Foundation
import Testing

@testable import rowhouse

/// The places of benchmarks that were killed.
@Suite("Where benchmarks have their guests")
struct BenchedStreetTests {
  private let root = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString)")

  init() throws {
    try make("", 0o700)
    try make("elsewhere")
    try file("elsewhere/precious")
  }

  private func make(_ path: String, _ permissions: Int = 0o700) throws {
    try FileManager.default.createDirectory(
      at: root.appending(path: path), withIntermediateDirectories: true,
      attributes: [.posixPermissions: permissions])
  }

  private func file(_ path: String) throws { try Data([1]).write(to: root.appending(path: path)) }

  private func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      at: root.appending(path: path), withDestinationURL: root.appending(path: target))
  }

  /// What is in the folder once remains were removed, which itself is removed then.
  private func left() throws -> Set<String> {
    defer { try? FileManager.default.removeItem(at: root) }
    BenchedStreet.removeRemains(beside: root.path() + "/rowhouse")
    #expect(FileManager.default.fileExists(atPath: root.path() + "/elsewhere/precious"))
    return Set(try FileManager.default.contentsOfDirectory(atPath: root.path())).subtracting(["elsewhere"])
  }

  // No process has such a number (PID_MAX_LIMIT, include/linux/threads.h).
  private static let ended = "rowhouse-bench-2000000000"

  private func makeRemains(_ name: String = ended) throws {
    for path in ["\(name)/rowhouse/kernels", "\(name)/rowhouse/guest"] { try make(path) }
    for path in ["ledger.jsonl", "kernels/a.elf", "guest/meter"] { try file("\(name)/rowhouse/\(path)") }
  }

  @Test func thoseOfProcessesThatHaveEndedGo() throws {
    try makeRemains()
    // A number may come back.
    try makeRemains("rowhouse-bench-\(getpid())")
    try makeRemains("rowhouse-bench-\(getppid())")
    let others = ["rowhouse", "rowhouse-bench-", "rowhouse-bench-12x", "rowhouse-bench--5", "own-bench-2000000000"]
    for name in others { try make(name) }
    #expect(try left() == Set(others + ["rowhouse-bench-\(getppid())"]))
  }

  @Test func whatALinkLeadsToStays() throws {
    try makeRemains()
    try link("\(Self.ended)/rowhouse/link", to: "elsewhere")
    try link("rowhouse-bench-2000000001", to: "elsewhere")
    try make("rowhouse-bench-2000000002")
    try link("rowhouse-bench-2000000002/rowhouse", to: "elsewhere")
    #expect(try left() == ["rowhouse-bench-2000000001"])
  }

  @Test func nothingIsTakenFromWhereOthersMayWrite() throws {
    try makeRemains()
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: root.path())
    #expect(try left() == [Self.ended])
  }
}
