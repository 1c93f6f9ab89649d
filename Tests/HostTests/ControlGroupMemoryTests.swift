import Foundation
import Testing

@testable import Host

/// A /proc and a cgroup v2 of our own, in a folder.
@Suite("Memory that control groups have")
struct ControlGroupMemoryTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "groups-\(UUID().uuidString)").path

  /// - Parameters:
  ///   - group: the process's, as /proc/self/cgroup has it.
  ///   - root: the group that the mount shows first.
  ///   - limits: `memory.max` by folder below the mount point.
  private func limit(_ group: String, root: String = "/", _ limits: [String: String]) throws -> ControlGroupMemory? {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (path, text) in limits {
      try FileManager.default.createDirectory(atPath: "\(folder)/mount/\(path)", withIntermediateDirectories: true)
      try Data((text + "\n").utf8).write(to: URL(filePath: "\(folder)/mount/\(path)/memory.max"))
    }
    try Data("4:memory:/old\n0::\(group)\n".utf8).write(to: URL(filePath: "\(folder)/cgroup"))
    let mounts = """
      21 1 0:19 / /proc rw,nosuid shared:5 - proc proc rw
      30 21 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
      31 21 0:27 \(root) \(folder)/mount rw,nosuid,nodev shared:9 master:2 - cgroup2 cgroup2 rw

      """
    try Data(mounts.utf8).write(to: URL(filePath: "\(folder)/mountinfo"))
    return ControlGroupMemory(of: folder)
  }

  private func memory(_ bytes: UInt64, _ path: String) -> ControlGroupMemory {
    ControlGroupMemory(bytes: bytes, path: "\(folder)/mount\(path)/memory.max")
  }

  @Test func theLeastOfAllAboveCounts() throws {
    let limits = ["": "9000", "user": "max", "user/session": "4096", "user/session/shell": "8192", "other": "1"]
    #expect(try limit("/user/session/shell", limits) == memory(4096, "/user/session"))
    #expect(try limit("/user", limits) == memory(9000, ""))
    #expect(try limit("/user/session", ["user": "max", "user/session": "max"]) == nil)
    #expect(try limit("/", ["user": "4096"]) == nil)
  }

  /// In a container its group is the mount's root, with or without a namespace of its own.
  @Test func aContainerSeesItsOwn() throws {
    #expect(try limit("/", ["": "4096"]) == memory(4096, ""))
    #expect(try limit("/box/one", root: "/box/one", ["": "4096"]) == memory(4096, ""))
    #expect(try limit("/box/one/job", root: "/box/one", ["": "4096", "job": "512"]) == memory(512, "/job"))
    // Of another part of the hierarchy nothing can be seen.
    #expect(try limit("/../two", ["": "4096", "two": "1"]) == memory(4096, ""))
    #expect(try limit("/boxes", root: "/box", ["": "4096", "es": "1"]) == memory(4096, ""))
  }

  @Test func whatIsNotThereLimitsNothing() throws {
    #expect(ControlGroupMemory(of: folder) == nil)
    #expect(try limit("/a", ["a": "not a number"]) == nil)
  }
}
