import Foundation
import Testing

/// What came of a case.
struct Outcome: Sendable {
  var status: Int32 = -1
  var output = [UInt8]()
  var errors = [UInt8]()
  /// The verdict file.
  var verdict: [UInt8]?
  /// Files in the case's folder that were not there before, and processes that still run.
  var leftovers: [String] = []

  var outputText: String { String(decoding: output, as: UTF8.self) }
  var errorText: String { String(decoding: errors, as: UTF8.self) }

  /// What a script has said in lines of a word and whole numbers, by the word.
  var figures: [Substring: [Int]] {
    outputText.split(whereSeparator: \.isNewline).reduce(into: [:]) { figures, line in
      let words = line.split(separator: " ")
      let numbers = words.dropFirst().compactMap { Int($0) }
      if let name = words.first, !numbers.isEmpty, numbers.count == words.count - 1 { figures[name] = numbers }
    }
  }

  /// The verdict file as JSON, empty when there is none.
  var verdictObject: [String: Any] {
    let object = verdict.flatMap { try? JSONSerialization.jsonObject(with: Data($0)) }
    return object as? [String: Any] ?? [:]
  }

  /// How often vCPUs left the guest for this reason, as the verdict file says.
  func exits(_ reason: String) -> Int { (verdictObject["exits"] as? [String: Int])?[reason] ?? 0 }

  func expectNoOutput() {
    #expect(output.isEmpty, "standard output has \(outputText)")
  }

  func expectNo(_ text: String) {
    #expect(!outputText.contains(text), "\(outputText)")
  }

  /// The guest set these marks, in this order and one after the other.
  func expectMarks(_ bytes: [Int]) {
    let marks = verdictObject["marks"] as? [[String: Any]] ?? []
    #expect(marks.map { $0["byte"] as? Int } == bytes)
    let moments = marks.compactMap { $0["nanoseconds"] as? Int }
    #expect(moments.count == bytes.count && moments == moments.sorted() && moments.allSatisfy { $0 > 0 })
  }

  /// This output and that of another case are logs of the same kernel; `Tests/Lab/dmesg-diff` finds no complaint in
  /// this one that the other has not.
  func expectNoNewComplaint(beside reference: Case) {
    do {
      let theirs = try GuestRunner.outcome(of: reference)
      let folder = FileManager.default.temporaryDirectory.appending(path: "rowhouse-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let files = [("ours", output), ("theirs", theirs.output)].map { (folder.appending(path: $0.0), Data($0.1)) }
      for (file, log) in files { try log.write(to: file) }
      let difference = GuestRunner.process([GuestRunner.root + "/Tests/Lab/dmesg-diff"] + files.map(\.0.path))
      let printed = Pipe()
      difference.standardOutput = printed
      try difference.run()
      let complaints = try printed.fileHandleForReading.readToEnd() ?? Data()
      difference.waitUntilExit()
      #expect(difference.terminationStatus == 0, "\(String(decoding: complaints, as: UTF8.self))")
    } catch {
      Issue.record(error)
    }
  }

  /// How long the guest ran.
  func expectTime(milliseconds: ClosedRange<Int>) {
    let phases = verdictObject["phases"] as? [String: Int] ?? [:]
    let time = (phases["guest_ended_nanoseconds"] ?? 0) - (phases["guest_started_nanoseconds"] ?? 0)
    #expect(milliseconds.contains(time / 1_000_000), "the guest ran for \(time) ns")
  }

  /// The verdict file agrees with the exit status and with itself.
  func expectSoundVerdict(of name: String) {
    let record = verdictObject
    #expect(record["exit_status"] as? Int == Int(status), "\(name)")
    let wall = record["wall_nanoseconds"] as? Int ?? 0
    let phases = record["phases"] as? [String: Int] ?? [:]
    // Making the machine and loading the image go on side by side.
    for middle in ["machine_created", "image_loaded"] {
      let order = ["process_started", middle, "guest_started", "first_console_byte", "guest_ended", "torn_down"]
      let moments = order.compactMap { phases[$0 + "_nanoseconds"] }
      #expect(phases["process_started_nanoseconds"] != nil && moments == moments.sorted(), "\(name): \(phases)")
    }
    #expect(phases.values.allSatisfy { 0 < $0 && $0 <= wall }, "\(name): \(phases), the whole run took \(wall)")
  }
}

extension Outcome {
  /// Reads what ``CaseScript/runner`` prints.
  init?(lines: some Sequence<Substring>) {
    var isWhole = false
    for line in lines {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count > 1 ? String(parts[1]) : ""
      func bytes() -> [UInt8] { Data(base64Encoded: value).map(Array.init) ?? [] }
      switch parts[0] {
      case "status": status = Int32(value) ?? -1
      case "output": output = bytes()
      case "errors": errors = bytes()
      case "verdict": verdict = bytes()
      case "file", "process": leftovers.append(String(line))
      case "end": isWhole = true
      default: return nil
      }
    }
    if !isWhole { return nil }
  }
}

extension Case {
  /// Compares what came of the case with what had to.
  func judge(_ outcome: Outcome) {
    let output = outcome.outputText
    let errors = outcome.errorText
    let said = Comment(rawValue: "\(name)\n--- output\n\(output.suffix(2000))\n--- errors\n\(errors.suffix(2000))")
    #expect(outcome.status == status, said)
    var rest = output[...]
    for text in says {
      guard let range = rest.range(of: text) else {
        Issue.record("\(name): “\(text)” is not in the output, or not in its place:\n\(output.suffix(2000))")
        break
      }
      rest = rest[range.upperBound...]
    }
    for text in neverSays { #expect(!output.contains(text) && !errors.contains(text), said) }
    for text in warns { #expect(errors.contains(text), said) }
    if let warningLines { #expect(errors.split(separator: "\n").count == warningLines, said) }
    #expect(outcome.verdictObject["verdict"] as? String == verdict, said)
    if verdict != nil { outcome.expectSoundVerdict(of: name) }
    #expect(outcome.leftovers.isEmpty, "\(name) left behind: \(outcome.leftovers)")
    check(outcome)
  }
}
