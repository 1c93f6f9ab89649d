import Foundation

/// Runs cases in the lab: all in one, since starting it takes longer than most of them.
///
/// Each case has a limit of its own, so a lab that says nothing for longer than that is an emulated machine that stands
/// still. It is ended then, which is said, and what is left runs in a new one.
struct LabRun {
  let cases: [Case]
  let labOptions: [String]

  /// Seconds.
  private static let longestSilence: Int32 = CaseScript.limit + 60
  /// Labs that may stand still before that counts as a failure.
  private static let patience = 2

  init(of cases: [Case], labOptions: [String]) {
    self.cases = cases
    self.labOptions = labOptions
  }

  /// What came of each case, by its name; nothing of those that the lab did not come to.
  func outcomes() throws -> [String: Outcome] {
    var outcomes: [String: Outcome] = [:]
    for still in 0...Self.patience {
      let left = cases.filter { outcomes[$0.name] == nil }
      let (printed, isWhole) = try Self.lab(left, labOptions)
      for part in ("\n" + printed).components(separatedBy: "\ncase ").dropFirst() {
        let lines = part.split(separator: "\n")
        if let name = lines.first { outcomes[String(name)] = Outcome(lines: lines.dropFirst()) }
      }
      if isWhole { break }
      let stage = still < Self.patience ? "what is left runs in a new one" : "that is once too often"
      FileHandle.standardError.write(
        Data("\n=== the lab said nothing for \(Self.longestSilence) s: \(stage) ===\n".utf8))
    }
    return outcomes
  }

  /// - Returns: what the lab printed, and whether it came to its end.
  private static func lab(_ cases: [Case], _ options: [String]) throws -> (printed: String, isWhole: Bool) {
    let folder = try CaseFolder(for: cases)
    let process = GuestRunner.process(
      [GuestRunner.root + "/Tests/Lab/lab"] + options + ["--file", folder.path + ":cases", "--"]
        + ["env", "GUESTS=/guests", "LINUX=/linux", "sh", "/files/cases/all", "/files/cases"])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    var printed = Data()
    var event = pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
    // SAFETY: one entry, for the call.
    while unsafe poll(&event, 1, longestSilence * 1000) != 0 {
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { break }
      printed += more
    }
    let isWhole = event.revents != 0
    // Its QEMU ends with it.
    if !isWhole { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    if isWhole, process.terminationStatus != 0 {
      throw GuestRunner.Failure("the lab ended with status \(process.terminationStatus)")
    }
    return (String(decoding: printed, as: UTF8.self), isWhole)
  }
}
