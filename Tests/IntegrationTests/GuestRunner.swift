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
  /// Runs stock kernels, which need a KVM on virtualization hardware.
  private static let linux = GuestRunner(
    cases: Case.linuxTable, reasonForLab: reasonAgainstHost ?? reasonAgainstLinux)
  /// QEMU and its tool come along to compare with.
  private static let labOptions = ["--qemu"]

  /// What came of a case of one of the two tables.
  static func outcome(of test: Case) throws -> Outcome {
    try (test.bootsLinux ? linux : small).outcome(of: test)
  }

  private let cases: [Case]
  /// Why the cases cannot run on this host; nil when they can.
  private let reasonForLab: String?
  private let lab = Mutex<Result<[String: Outcome], any Error>?>(nil)

  private init(cases: [Case], reasonForLab: String?) {
    let wanted = ProcessInfo.processInfo.environment["ROWHOUSE_LAB_CASES"]
    self.cases = cases.filter { test in
      wanted.map { test.name.range(of: $0, options: .regularExpression) != nil } ?? true
    }
    self.reasonForLab = reasonForLab
  }

  private func outcome(of test: Case) throws -> Outcome {
    if let reasonForLab {
      // All cases in one lab: starting it takes longer than most of them.
      guard let outcome = try allInLab(reasonForLab)[test.name] else {
        throw Failure("the lab did not come to \(test.name)")
      }
      return outcome
    }
    let folder = try CaseFolder(for: [test])
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
        lab = Result { try LabRun(of: cases, labOptions: Self.labOptions).outcomes() }
      }
      return try lab!.get()
    }
  }

  /// A program that finds this repository's programs and guests, what its tests use besides, and nothing on its
  /// standard input.
  static func process(_ words: [String]) -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = root + "/bin:" + root + "/.build-tools:" + (environment["PATH"] ?? "/usr/bin:/bin")
    environment["GUESTS"] = root + "/guests/build"
    environment["LINUX"] = root + "/guests/linux/build"
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs a program to its end and returns its standard output.
  static func run(_ words: [String]) throws -> String {
    let process = process(words)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure("\(words[0]) ended with status \(process.terminationStatus)")
    }
    return String(decoding: printed, as: UTF8.self)
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
  }
}
