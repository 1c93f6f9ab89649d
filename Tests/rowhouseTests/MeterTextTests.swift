import Host
import Metering
import Testing

@testable import rowhouse

@Suite("A meter as text")
struct MeterTextTests {
  private func lines(
    _ state: GuestFolder.State = .running, at now: Instant = .now, _ fill: (MeterPage) -> Void
  ) throws -> [Substring] {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1, diskCount: 1, networkCount: 1),
      memoryBytes: 1 << 28, process: 9)
    fill(page)
    let meter = try #require(try MeterReading(of: file.descriptor))
    return MeterText("one", state, meter, at: now).text.split(separator: "\n")
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
  @Test("All that a guest may use is there as `rowhouse set` takes it, with period, bursts and balloon")
  func allThatMayBeUsed() throws {
    var disk = RateLimits()
    disk[.rate(.bytesToGuest)] = 20 << 20
    disk[.rate(.operations)] = 500
    disk[.burst(.operations)] = 7
    disk[.budget] = 1 << 30
    func lines(burst: UInt64, balloon: UInt64) throws -> [Substring] {
      try self.lines { page in
        page.setAllotment(
          CPUQuota(nanoseconds: 1_000_000, periodNanoseconds: 10_000_000, burstNanoseconds: burst))
        page.setBalloon(target: balloon, actual: 0)
        page.disk(0).show(disk)
      }
    }
    let all = try lines(burst: 20_000_000, balloon: 64 << 20).joined(separator: "\n")
    for text in [
      "cpu0           10% in 10ms, burst 20ms ", "memory         256M, balloon 64M asked ",
      "disk0 read     20M/s burst 2M, 500 ops/s burst 7, 1G in all ", "disk0 written  500 ops/s burst 7, 1G in all ",
    ] { #expect(all.contains(text), "\(all)") }
    let few = try lines(burst: 0, balloon: 0).joined(separator: "\n")
    #expect(few.contains(" 10% in 10ms ") && !few.contains("balloon"), "\(few)")
  }

  @Test("What a silent VMM sampled is said to be old")
  func aSilentGuest() throws {
    let sampled = Instant(nanoseconds: 5_000_000_000)
    func head(_ state: GuestFolder.State) throws -> [Substring] {
      try lines(state, at: sampled.advanced(byNanoseconds: 61_000_000_000)) { page in
        page.setSample(
          at: sampled, deviceNanoseconds: 0, resident: 5 << 20, residentPeak: 6 << 20, residentKibibyteSeconds: 0)
      }
    }
    let silent = try head(.silent)
    #expect(silent[0] == "one: silent; CPU times and memory are of 61.0 s ago")
    #expect(silent.contains { $0.hasPrefix("memory") && $0.contains(" - ") && $0.contains("peak 6.00 MiB") })
    #expect(try head(.running)[0] == "one: running")
  }
}
