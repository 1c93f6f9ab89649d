import Boot
import Foundation
import GuestMemory
import Testing

@Suite struct BootLayoutTests {
  @Test func areasAreInOrderAndApart() {
    for (area, next) in zip(BootLayout.all, BootLayout.all.dropFirst()) {
      #expect(area.range.end <= next.start, "\(area.name), \(next.name)")
    }
    for area in BootLayout.all {
      #expect(area.range.end <= BootLayout.oneMiB && !area.range.overlaps(BootLayout.legacyHole), "\(area.name)")
    }
  }

  /// The lines of the table under "RAM below 1 MiB", made from the code.
  @Test func theDocumentSaysWhatTheCodeDoes() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../docs/memory-map.md")
    let section = try String(contentsOf: path, encoding: .utf8)
      .components(separatedBy: "\n## ").first { $0.hasPrefix("RAM below 1 MiB") }
    let rows = (section ?? "").split(separator: "\n").filter { $0.hasPrefix("| 0x") }
    #expect(rows.count == BootLayout.all.count)
    for (row, area) in zip(rows, BootLayout.all) {
      let size = area.count < 1024 ? "\(area.count) B" : "\(area.count / 1024) KiB"
      #expect(row.hasPrefix("| \(area.start) | \(size) | \(area.name)"), "\(area.name)")
    }
  }
}
