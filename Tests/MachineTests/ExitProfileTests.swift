import Glibc
import Host
import KVM
import Testing

@testable import Machine

@Suite("What exits cost")
struct ExitProfileTests {
  @Test func countsByReasonAndAddress() {
    let profile = ExitProfile()
    let exits: [Exit] = [
      .portOut(port: 0x3f8, size: 1, count: 1), .portIn(port: 0x3f8, size: 1, count: 1),
      .portOut(port: 0x3f8, size: 4, count: 9), .memoryRead(address: 0x3f8, size: 8), .interrupted, .tripleFault,
    ]
    for exit in exits {
      profile.leave(exit)
      profile.enter()
    }
    let counts = profile.costs.map { "\($0.cause.reason.name) \($0.cause.address) \($0.cost.count)" }.sorted()
    #expect(counts == ["interrupted 0 1", "memory_read 1016 1", "other 0 1", "port_read 1016 1", "port_write 1016 2"])
  }

  @Test func timeIsThatBetweenExitAndReturn() {
    let profile = ExitProfile()
    let start = Instant.now
    profile.leave(.interrupted)
    while Instant.now.nanoseconds(since: start) < 2_000_000 {}
    profile.enter()
    let limit = Instant.now.nanoseconds(since: start)
    #expect((1_000_000...limit).contains(profile.costs[0].cost.nanoseconds))
  }

  @Test("A guest that touches more places than there is room for is counted to the last exit")
  func room() {
    let profile = ExitProfile()
    for address in 0..<5000 as Range<UInt64> {
      profile.leave(.memoryWrite(address: address << 12, size: 4, value: 0))
      profile.enter()
    }
    #expect(profile.costs.reduce(0) { $0 + $1.cost.count } == 5000)
    #expect(profile.costs.last?.cause.reason == .other)
  }

  @Test func fileAddsVirtualCPUsUp() throws {
    let path = "/tmp/rowhouse-profile-\(Instant.now.nanoseconds)"
    let file = try ProfileFile(path)
    let profiles = [ExitProfile(), ExitProfile()]
    for profile in profiles {
      profile.leave(.portIn(port: 0x71, size: 1, count: 1))
      profile.enter()
    }
    try file.write(profiles, [KVMStatistic(name: "exits", value: 7)])
    let text = String(decoding: try Descriptor.open(path, .readOnly).read(count: 1000, at: 0), as: UTF8.self)
    // SAFETY: the call only reads the text.
    _ = unsafe Glibc.unlink(path)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].hasPrefix("exit port_read 0x71 2 ") && lines[1] == "kvm exits 7")
  }
}
