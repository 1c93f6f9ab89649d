import Foundation
import Testing

@testable import Control

/// docs/architecture.md lists the requests, replies and errors of `control.sock` as the codec has them, all of them.
@Suite("The messages of control.sock in docs/")
struct ControlDocumentTests {
  private let text: String

  init() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/architecture.md")
    text = try String(contentsOf: path, encoding: .utf8)
  }

  /// By their names the numbers in the table whose first column has this head.
  private func kinds(_ head: String) throws -> [String: UInt16] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("| \(head) | kind |") })
    let rows = lines[(start + 2)...].prefix { $0.first == "|" }.map { line in
      line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    return Dictionary(
      uniqueKeysWithValues: try rows.map { row in
        let digits = row[1].hasPrefix("0x") ? String(row[1].dropFirst(2)) : row[1]
        let kind = UInt16(digits, radix: row[1].hasPrefix("0x") ? 16 : 10)
        return (row[0].trimmingCharacters(in: ["`"]), try #require(kind, "\(row)"))
      })
  }

  /// An enumeration's case without what goes with it.
  private func name(_ value: Any) -> String { String("\(value)".prefix { $0 != "(" }) }

  @Test func requests() throws {
    let documented = try kinds("request")
    let known = (0...UInt16.max).filter { kind in
      do throws(ControlFault) { _ = try ControlRequest(Frame(kind: kind, id: 1)) } catch {
        return error != .unknownRequest
      }
      return true
    }
    #expect(documented.values.sorted() == known)
    for request in FrameTests.requests { #expect(documented[name(request)] == request.frame(id: 1).kind) }
  }

  @Test func replies() throws {
    let pairs = FrameTests.replies.map { (name($0), $0.frame(id: 1).kind) }
    #expect(try kinds("reply") == Dictionary(pairs) { first, _ in first })
  }

  @Test func errors() {
    let list = ControlFault.allCases.map { "\($0.rawValue) `\($0)`" }.joined(separator: ", ")
    #expect(text.contains("Errors: \(list)."))
  }
}
