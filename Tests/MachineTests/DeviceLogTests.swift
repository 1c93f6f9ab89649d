import Host
import Synchronization
import Testing

@testable import Machine

@Suite("Device log")
struct DeviceLogTests {
  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  private let lines = Lines()
  private let log: DeviceLog

  init() { log = DeviceLog { [lines] in lines.add($0) } }

  private func note(
    _ device: String, _ event: String, second: UInt64, count: UInt64 = 1, topic: DeviceLog.Topic = .hostError
  ) {
    log.note(device, topic, event, count: count, at: Instant(nanoseconds: (second + 100) * 1_000_000_000))
  }

  @Test func eachDeviceAndTopicHasItsOwnLines() {
    note("disk0", "is full", second: 0)
    note("net1", "is gone", second: 0)
    note("disk0", "stands still", second: 0, topic: .fault)
    note("disk0", "is full", second: 0)
    #expect(lines.all == ["disk0: is full", "net1: is gone", "disk0: stands still"])
  }

  /// However often it happens, for a day: a line each time that the silence has doubled, then one an hour.
  @Test func aFloodIsHeldBack() {
    for second in 0..<86_400 as Range<UInt64> { note("disk0", "is full", second: second, count: 1000) }
    // After 1, 3, 7, … 4095 seconds, and then after every 3600.
    #expect(lines.all.count == 13 + (86_399 - 4095) / 3600)
    #expect(lines.all[1] == "disk0: is full (2000 times so far)")
  }

  @Test func whatIsRareIsToldEachTime() {
    for day in 0..<5 as Range<UInt64> { note("disk0", "is full", second: day * 86_400) }
    #expect(lines.all.count == 5)
  }
}
