import Foundation
import Testing

@testable import Metering

/// docs/meter.md has the fields of `MeterLayout` at their offsets, no more and no less.
@Suite("The meter's description in docs/")
struct MeterDocumentTests {
  private static let fields: [(heading: String, rows: [String])] = [
    ("## The head", rows(MeterLayout.Guest.self)),
    ("## A vCPU", rows(MeterLayout.CPU.self)),
    ("## A disk", rows(MeterLayout.Disk.self)),
    ("Each direction of a disk", rows(MeterLayout.Transfers.self)),
    ("## A network card", rows(MeterLayout.Network.self)),
    ("Each direction of a network card", rows(MeterLayout.Packets.self)),
  ]

  private static func rows<Field: CaseIterable & RawRepresentable<Int>>(_: Field.Type) -> [String] {
    Field.allCases.map { "| \($0.rawValue) | `\($0)` |" }
  }

  @Test func isTheCodes() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/meter.md")
    let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    for (heading, rows) in Self.fields {
      let start = try #require(lines.firstIndex { $0.contains(heading) }, "\(heading)")
      let table = lines[start...].drop { !$0.hasPrefix("| offset |") }.dropFirst(2).prefix { $0.hasPrefix("|") }
      #expect(table.count == rows.count, "\(heading)")
      for (line, row) in zip(table, rows) { #expect(line.hasPrefix(row), "\(line) is not \(row)") }
    }
  }

  @Test("No field lies over another, or out of its block")
  func fieldsFit() {
    func ends<Field: CaseIterable & RawRepresentable<Int>>(_: Field.Type, _ sizes: [String: Int], _ end: Int) {
      var free = 0
      for field in Field.allCases {
        #expect(field.rawValue >= free && field.rawValue % 8 == 0, "\(field)")
        free = field.rawValue + (sizes["\(field)"] ?? 8)
      }
      #expect(free <= end)
    }
    ends(
      MeterLayout.Guest.self,
      [
        "run": 16, "console": 8 * ConsoleCounter.allCases.count, "phases": 8 * Phase.allCases.count,
        "marks": MeterLayout.markCapacity * MeterLayout.markStride,
      ], MeterLayout.headBytes)
    ends(MeterLayout.CPU.self, ["exits": 8 * ExitReason.allCases.count], MeterLayout.cpuStride)
    let transfers = MeterLayout.Transfers.latencies.rawValue + 8 * LatencyHistogram.bucketCount
    ends(
      MeterLayout.Disk.self, ["read": transfers, "written": transfers, "limits": 6 * MeterLayout.limitStride],
      MeterLayout.diskStride)
    ends(MeterLayout.Transfers.self, ["latencies": 8 * LatencyHistogram.bucketCount], 512)
    ends(
      MeterLayout.Network.self, ["received": 32, "sent": 32, "limits": 6 * MeterLayout.limitStride],
      MeterLayout.networkStride)
    ends(MeterLayout.Packets.self, [:], 64)
  }
}
