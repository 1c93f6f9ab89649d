import Foundation
import Synchronization
import Testing

/// Runs cases where there is a KVM that can run them: on this host, or, when it has none, in the lab. Never nowhere.
final class GuestRunner: Sendable {
  /// This repository.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().standardizedFileURL.path

  /// Runs our own guests, which any KVM can run.
  private static let small = GuestRunner(cases: Case.table, reasonForLab: reasonAgainstHost)
  /// Runs stock kernels, which need a KVM on virtualization hardware. QEMU comes along to compare with.
  private static let linux = GuestRunner(
    cases: Case.linuxTable, reasonForLab: reasonAgainstHost ?? reasonAgainstLinux, labOptions: ["--qemu"])

  /// What came of a case of one of the two tables.
  static func outcome(of test: Case) throws -> Outcome {
    try (test.bootsLinux ? linux : small).outcome(of: test)
  }

  private let cases: [Case]
  /// Why the cases cannot run on this host; nil when they can.
  private let reasonForLab: String?
  private let labOptions: [String]
  private let lab = Mutex<Result<[String: Outcome], any Error>?>(nil)

  private init(cases: [Case], reasonForLab: String?, labOptions: [String] = []) {
    self.cases = cases
    self.reasonForLab = reasonForLab
    self.labOptions = labOptions
  }

  private func outcome(of test: Case) throws -> Outcome {
    if let reasonForLab {
      // All cases in one lab: starting it takes longer than most of them.
      guard let outcome = try allInLab(reasonForLab)[test.name] else {
        throw Failure("the lab did not come to \(test.name)")
      }
      return outcome
    }
    let folder = try Folder()
    try folder.write(test)
    let printed = try Self.run(["sh", folder.path + "/runner", folder.path + "/" + test.name])
    guard let outcome = Outcome(lines: printed.split(separator: "\n")) else {
      throw Failure("\(test.name) was not run to its end: \(printed)")
    }
    return outcome
  }

  static let reasonAgainstHost: String? = {
    if ProcessInfo.processInfo.environment["ROWHOUSE_TEST_IN_LAB"] == "1" { return "ROWHOUSE_TEST_IN_LAB is set" }
    do {
      try FileHandle(forUpdating: URL(filePath: "/dev/kvm")).close()
    } catch {
      return "/dev/kvm cannot be opened (\(error.localizedDescription))"
    }
    return nil
  }()

  private static let reasonAgainstLinux: String? = {
    let flags = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?
      .split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
    return flags.contains("svm") || flags.contains("vmx") ? nil : "this host's CPU has no virtualization extensions"
  }()

  private func allInLab(_ reason: String) throws -> [String: Outcome] {
    try lab.withLock { lab in
      if lab == nil {
        // To standard error, which shows it now and not when everything has ended.
        FileHandle.standardError.write(
          Data("=== \(reason): \(cases.count) cases run in the lab instead, which takes minutes ===\n".utf8))
        lab = Result { try runAllInLab() }
      }
      return try lab!.get()
    }
  }

  private func runAllInLab() throws -> [String: Outcome] {
    let folder = try Folder()
    for test in cases { try folder.write(test) }
    let words =
      [Self.root + "/Tests/Lab/lab", "--timeout", String(Self.labLimit)] + labOptions
      + ["--file", folder.path + ":cases", "--"]
      + ["env", "GUESTS=/guests", "LINUX=/linux", "sh", "/files/cases/all", "/files/cases"]
    let printed: String
    do {
      printed = try Self.run(words)
    } catch let failure as Failure where failure.status == Self.labTimedOut {
      // Each case has a limit of its own, so it is the emulated machine that stands still.
      FileHandle.standardError.write(Data("=== the lab stood still for \(Self.labLimit) s: once more ===\n".utf8))
      printed = try Self.run(words)
    }
    var outcomes: [String: Outcome] = [:]
    for part in ("\n" + printed).components(separatedBy: "\ncase ").dropFirst() {
      let lines = part.split(separator: "\n")
      if let name = lines.first { outcomes[String(name)] = Outcome(lines: lines.dropFirst()) }
    }
    return outcomes
  }

  /// Seconds for all cases together, several times what they take.
  private static let labLimit = 1200
  private static let labTimedOut: Int32 = 124

  /// Runs a program to its end and returns its standard output.
  static func run(_ words: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = root + "/bin:" + (environment["PATH"] ?? "/usr/bin:/bin")
    environment["GUESTS"] = root + "/guests/build"
    environment["LINUX"] = root + "/guests/linux/build"
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let status = process.terminationStatus
      throw Failure("\(words[0]) ended with status \(status)", status: status)
    }
    return String(decoding: printed, as: UTF8.self)
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
    /// That of the program that failed, if it was one.
    var status: Int32?

    init(_ description: String, status: Int32? = nil) {
      self.description = description
      self.status = status
    }
  }
}

/// A folder with a folder for each case, removed when it is no longer needed.
private final class Folder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try write(CaseScript.runner, to: "runner")
    try write(CaseScript.all, to: "all")
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ test: Case) throws {
    try FileManager.default.createDirectory(atPath: path + "/" + test.name, withIntermediateDirectories: true)
    try write(CaseScript.prelude + test.script + "\n", to: test.name + "/script")
    for (name, bytes) in test.files { try Data(bytes).write(to: URL(filePath: path + "/" + test.name + "/" + name)) }
  }

  private func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
  }
}
