import Host
import Metering
import Testing

@testable import rowhouse

@Suite("A meter as text")
struct MeterTextTests {
  private func lines(_ fill: (MeterPage) -> Void) throws -> [Substring] {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1, diskCount: 1, networkCount: 1),
      memoryBytes: 1 << 28, process: 9)
    fill(page)
    return MeterText("one", .running, try #require(try MeterReading(of: file.descriptor))).text.split(separator: "\n")
  }

  @Test func saysWhatWentWrong() throws {
    let fine = try lines { _ in }
    #expect(!fine.contains { $0.contains("failed") || $0.contains("used up") || $0.contains("dropped") })
    let lines = try lines { page in
      page.disk(0).countFailure(.fromGuest)
      page.network(0).countDrop(.toGuest)
      page.disk(0).show(budgetUsedUp: true)
    }
    func line(_ name: String) -> Substring { lines.first { $0.hasPrefix(name) } ?? "" }
    #expect(line("disk0 written").contains("budget used up, 0 requests, 1 failed"))
    #expect(line("disk0 read").contains("budget used up, 0 requests") && !line("disk0 read").contains("failed"))
    #expect(line("net0 received").contains("0 packets, 1 dropped") && !line("net0 received").contains("used up"))
  }
}
