import Foundation
import Testing

/// What every source file keeps to and no compiler looks after.
@Suite("Sources")
struct SourceTests {
  /// Lines above an `unsafe` in which its argument may stand: a statement of several lines has one.
  private static let reach = 12

  @Test("Every use of unsafe is argued", arguments: ["Sources", "Tests", "guests"])
  func unsafeIsArgued(folder: String) throws {
    let root = URL(filePath: GuestRunner.root + "/" + folder)
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
    var count = 0
    for case let file as URL in try #require(files) where file.pathExtension == "swift" {
      let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
      for (index, line) in lines.enumerated() where Self.usesUnsafe(line) {
        count += 1
        let isArgued = lines[max(0, index - Self.reach)...index].contains { $0.contains("// SAFETY:") }
        #expect(isArgued, "\(file.path):\(index + 1) has no // SAFETY: line")
      }
    }
    #expect(count > 0)
  }

  /// Whether the word is in the line's code, not in its comment or a text.
  private static func usesUnsafe(_ line: String) -> Bool {
    var code = line.replacing(/"(\\.|[^"\\])*"/, with: "")
    if let comment = code.range(of: "//") { code = String(code[..<comment.lowerBound]) }
    return code.contains(/\bunsafe\b/)
  }
}
