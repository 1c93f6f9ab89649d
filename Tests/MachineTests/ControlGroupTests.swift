import Foundation
import Testing

@testable import Machine

/// On plain files, which take whatever is written to them: what the kernel makes of that is seen in the lab.
@Suite struct ControlGroupTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "cgroup-\(UUID())").path

  private func make(_ files: [String: String]) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (file, text) in files { try text.write(toFile: "\(folder)/\(file)", atomically: false, encoding: .utf8) }
  }

  private func text(of file: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
  }

  private func remove() { try? FileManager.default.removeItem(atPath: folder) }

  private static let files = [
    "cgroup.controllers": "cpuset cpu io\n", "cgroup.procs": "", "cpu.max": "", "cpu.max.burst": "", "cpu.weight": "",
  ]

  @Test func saysWhatTheKernelReads() throws {
    try make(Self.files)
    defer { remove() }
    var allotment = CPUAllotment()
    (allotment.quotaBasisPoints, allotment.periodNanoseconds, allotment.burstNanoseconds) =
      (2500, 20_000_000, 3_000_000)
    allotment.weight = 50
    try ControlGroup(folder, for: allotment).enter(allotment)
    #expect(try text(of: "cgroup.procs") == "0")
    #expect(try text(of: "cpu.max") == "5000 20000")
    #expect(try text(of: "cpu.max.burst") == "3000")
    #expect(try text(of: "cpu.weight") == "50")
  }

  @Test("Time throttled counts from the start, whatever else is in cpu.stat")
  func timeThrottled() throws {
    try make(Self.files)
    defer { remove() }
    let early = try ControlGroup(folder, for: CPUAllotment())
    #expect(early.throttledNanoseconds == nil)
    func stat(_ microseconds: Int) -> [String: String] {
      ["cpu.stat": "usage_usec 9\nnr_throttled 4\nthrottled_usec \(microseconds)\nnr_bursts 0\n"]
    }
    try make(stat(70))
    let group = try ControlGroup(folder, for: CPUAllotment())
    #expect(group.throttledNanoseconds == 0)
    try make(stat(1070))
    #expect(group.throttledNanoseconds == 1_000_000)
    // Another folder of the same name.
    try make(stat(7))
    #expect(group.throttledNanoseconds == 0)
    // What cannot be read now is no 0.
    try make(["cpu.stat": "throttled_usec ?"])
    #expect(group.throttledNanoseconds == nil)
    // A folder has a cpu.stat before it has a cpu controller.
    try make(["cpu.stat": "usage_usec 9\n"])
    let later = try ControlGroup(folder, for: CPUAllotment())
    try make(stat(30))
    #expect(later.throttledNanoseconds == 30_000)
  }

  @Test func aGroupWithoutAllotmentIsOnlyEntered() throws {
    try make(["cgroup.controllers": "", "cgroup.procs": ""])
    defer { remove() }
    try ControlGroup(folder, for: CPUAllotment()).enter(CPUAllotment())
    #expect(try text(of: "cgroup.procs") == "0")
  }

  @Test func aKernelWithoutBurstsTakesAQuota() throws {
    try make(Self.files)
    defer { remove() }
    try FileManager.default.removeItem(atPath: "\(folder)/cpu.max.burst")
    var allotment = CPUAllotment()
    allotment.quotaBasisPoints = 10_000
    let group = try ControlGroup(folder, for: allotment)
    try group.enter(allotment)
    #expect(try text(of: "cpu.max") == "10000 10000")
    allotment.burstNanoseconds = 1_000_000
    #expect(throws: ConfigurationError("--cgroup \(folder)", "cpu.max.burst: No such file or directory")) {
      try group.enter(allotment)
    }
  }

  @Test func whatCannotBeIsSaid() throws {
    var allotment = CPUAllotment()
    allotment.quotaBasisPoints = 5000
    #expect(throws: ConfigurationError("--cgroup \(folder)", "there is no such folder of cgroup v2")) {
      try ControlGroup(folder, for: allotment)
    }
    try make(["cgroup.controllers": "cpuset io\n"])
    defer { remove() }
    let reason = "it has no cpu controller; whoever owns the folder above writes +cpu to cgroup.subtree_control"
    #expect(throws: ConfigurationError("--cgroup \(folder)", reason)) { try ControlGroup(folder, for: allotment) }
  }
}
