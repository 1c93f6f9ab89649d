import Foundation
import Testing

@testable import Host

/// A /proc and a cgroup v2 of our own, in a folder.
@Suite("What control groups have")
struct ControlGroupLimitTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "groups-\(UUID().uuidString)").path

  /// - Parameters:
  ///   - group: the process's, as /proc/self/cgroup has it.
  ///   - root: the group that the mount shows first.
  ///   - files: what is in a file, by its path below the mount point.
  private func within<Result>(
    _ group: String, root: String = "/", files: [String: String], _ look: (_ process: String) -> Result
  ) throws -> Result {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (path, text) in files {
      let file = URL(filePath: "\(folder)/mount/\(path)")
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data((text + "\n").utf8).write(to: file)
    }
    try Data("4:memory:/old\n0::\(group)\n".utf8).write(to: URL(filePath: "\(folder)/cgroup"))
    let mounts = """
      21 1 0:19 / /proc rw,nosuid shared:5 - proc proc rw
      30 21 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
      31 21 0:27 \(root) \(folder)/mount rw,nosuid,nodev shared:9 master:2 - cgroup2 cgroup2 rw

      """
    try Data(mounts.utf8).write(to: URL(filePath: "\(folder)/mountinfo"))
    return look(folder)
  }

  /// - Parameter limits: `memory.max` by folder below the mount point.
  private func limit(_ group: String, root: String = "/", _ limits: [String: String]) throws -> ControlGroupMemory? {
    let files = limits.map { ("\($0)/memory.max", $1) }
    return try within(group, root: root, files: Dictionary(uniqueKeysWithValues: files)) { ControlGroupMemory(of: $0) }
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
  @Test("The least share of a CPU of all above counts, whatever its period is")
  func cpuTime() throws {
    func limit(_ limits: [String: String]) throws -> ControlGroupCPU? {
      let files = limits.map { ("\($0)/cpu.max", $1) }
      return try within("/user/session", files: Dictionary(uniqueKeysWithValues: files)) { ControlGroupCPU(of: $0) }
    }
    let limits = ["user": "300000 200000", "user/session": "90000 50000", "other": "1000 100000"]
    #expect(try limit(limits) == ControlGroupCPU(basisPoints: 15_000, path: "\(folder)/mount/user/cpu.max"))
    #expect(try limit(["user": "max 100000", "user/session": "max 100000"]) == nil)
    for text in ["", "1000", "1000 0", "many 1000", "\(UInt64.max) 1"] { #expect(try limit(["user": text]) == nil) }
    #expect(ControlGroupCPU(of: folder) == nil)
  }

  @Test("What a group uses is without the files that it has not used of late")
  func memoryInUse() throws {
    let stat = "anon 5000\ninactive_file 1500\nfile 2000"
    let files = ["memory.max": "9000", "memory.current": "7000", "memory.stat": stat]
    func inUse(without file: String? = nil, _ more: [String: String] = [:]) throws -> UInt64? {
      try within("/", files: files.filter { $0.key != file }.merging(more) { $1 }) { ControlGroupMemory(of: $0)?.inUse }
    }
    #expect(try inUse() == 5500)
    #expect(try inUse(["memory.current": "1000"]) == 0)
    for file in ["memory.current", "memory.stat"] { #expect(try inUse(without: file) == nil) }
    #expect(try inUse(["memory.stat": "anon 1"]) == nil)
  }
}
