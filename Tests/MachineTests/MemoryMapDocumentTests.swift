import Foundation
import Machine
import Testing

/// docs/memory-map.md says of ports, addresses and interrupts what `Layout` has, no more and no less.
@Suite("The memory map in docs/")
struct MemoryMapDocumentTests {
  /// The rows of the table below a heading, as their cells.
  private func rows(below heading: String) throws -> [[String]] {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/memory-map.md")
    let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0 == "## " + heading })
    let section = lines[(start + 1)...].prefix { !$0.hasPrefix("## ") }
    return section.filter { $0.first == "|" && $0.dropFirst(2).first?.isNumber == true }.map { line in
      line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  private func hex(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }

  /// What a row says of a device starts with the name that the code has for it.
  private func expect(_ rows: [[String]], _ listed: [[String]]) {
    #expect(rows.count == listed.count)
    for (row, item) in zip(rows, listed) {
      #expect(row.dropLast().elementsEqual(item.dropLast()))
      #expect(row.last?.hasPrefix(item.last ?? "?") == true, "\(row) is not \(item)")
    }
  }

  @Test func ports() throws {
    let listed = Layout.allPorts.sorted { $0.first < $1.first }
    try expect(rows(below: "Ports"), listed.map { [hex($0.first), String($0.count), $0.name] })
  }

  @Test func windows() throws {
    let listed = Layout.allWindows.sorted { $0.first < $1.first }
    try expect(
      rows(below: "Physical addresses that are no RAM"),
      listed.map { [hex($0.first.rawValue), "\($0.count >> 10) KiB", $0.name] })
  }

  @Test func interrupts() throws {
    try expect(rows(below: "Interrupts"), Layout.allInterrupts.map { [String($0.gsi), $0.name] })
  }
}
