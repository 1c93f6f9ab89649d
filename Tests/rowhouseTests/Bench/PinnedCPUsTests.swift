import Host
import Machine
import Testing

@testable import rowhouse

@Suite("The CPUs of a benchmark")
struct PinnedCPUsTests {
  /// Those of `taskset -c 1,3,6`, say.
  @Test func areOfThoseThatThePersonAllowed() throws {
    let cpus = try PinnedCPUs(guestCPUs: 2, allowed: [1, 3, 6])
    #expect(cpus.own == [1] && cpus.measured == [3, 6])
  }

  @Test func tooFewAreRefused() {
    for allowed in [[], [1], [1, 3]] {
      #expect(throws: ConfigurationError.self) { try PinnedCPUs(guestCPUs: 2, allowed: allowed) }
    }
  }

  /// The kernel says it in its own words, too (proc(5), Cpus_allowed_list).
  @Test func allowedAreTheKernels() throws {
    let file = try Descriptor.open("/proc/thread-self/status", .readOnly)
    let status = String(decoding: try file.read(atMost: 1 << 14), as: UTF8.self).split(separator: "\n")
    let line = try #require(status.first { $0.hasPrefix("Cpus_allowed_list:") })
    let ranges = line.split(separator: "\t")[1].split(separator: ",").map { $0.split(separator: "-").map { Int($0)! } }
    let cpus = HostCPU.allowed
    #expect(!cpus.isEmpty && cpus.allSatisfy { cpu in ranges.contains { $0[0] <= cpu && cpu <= $0[$0.count - 1] } })
    #expect(cpus.allSatisfy(HostCPU.isAllowed) && cpus == cpus.sorted())
  }
}
