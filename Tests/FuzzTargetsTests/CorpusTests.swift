import Foundation
import FuzzTargets
import Testing

/// What fuzzing has learnt, played again: each input once reached code that no other one did, or was a finding.
@Suite("Fuzz corpus")
struct CorpusTests {
  @Test(arguments: FuzzTarget.allCases) func everyInputIsSurvived(target: FuzzTarget) throws {
    let inputs = try corpus(of: target)
    #expect(!inputs.isEmpty)
    for input in inputs { target.run(input) }
  }

  /// An input is a line of hexadecimal digits, see `Tests/Fuzzer/fuzz`.
  private func corpus(of target: FuzzTarget) throws -> [[UInt8]] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: folder.appending(path: "FuzzCorpus/\(target.rawValue).hex"), encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      let digits = Array(line)
      return try stride(from: 0, to: digits.count, by: 2).map { start in
        try #require(UInt8(String(digits[start..<min(start + 2, digits.count)]), radix: 16), "a byte of \(line)")
      }
    }
  }
}
