import Foundation
import Host
import Machine
import Metering
import Synchronization
import Testing

@testable import rowhouse

/// The folders of guests as those see them who look while others start and end.
@Suite("The street", .timeLimit(.minutes(1)))
final class StreetTests {
  private let root = FileManager.default.temporaryDirectory.path + "/street-\(UUID().uuidString)"
  private let street: Street
  private let budget = MemoryBudget(factor: 1, nil)

  init() { street = Street(path: root) }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  private func claim(_ name: String?) throws -> Street.Claim {
    let name = try name.map { try GuestName($0, option: $0) }
    return try street.claim(name, kernel: "kernel", memoryBytes: 1 << 20, of: budget)
  }

  /// What somebody saw who looked all the time.
  private final class Watcher: Sendable {
    let isOver = Atomic(false)
    let looks = Atomic(0)
    let crashed = Atomic(0)
    private let ended = DispatchSemaphore(value: 0)

    init(_ street: Street) {
      Thread.detachNewThread { [self] in
        while !isOver.load(ordering: .relaxed) {
          for guest in (try? street.guests()) ?? [] {
            let isAlive = (try? guest.look())?.isAlive == true
            if !isAlive, guest.isInPlace { crashed.add(1, ordering: .relaxed) }
            looks.add(1, ordering: .relaxed)
          }
        }
        ended.signal()
      }
    }

    func end() {
      isOver.store(true, ordering: .relaxed)
      ended.wait()
    }
  }

  @Test("A guest that is being started or removed is never seen as crashed")
  func startingIsNotCrashed() throws {
    let watcher = Watcher(street)
    defer { watcher.end() }
    var turn = 0
    while watcher.looks.load(ordering: .relaxed) < 2000 {
      try claim(turn % 2 == 0 ? "one" : nil).release()
      turn += 1
    }
    #expect(watcher.crashed.load(ordering: .relaxed) == 0)
    #expect(try Folder.names(in: root) == [])
  }

  @Test("A start that was killed leaves nothing that others see")
  func killedStart() throws {
    try Folder.make(root)
    try Folder.make(root + "/.new")
    try Descriptor.open(root + "/.new/meter", [.writeOnly, .create], permissions: 0o600).writeAll("begun")
    #expect(try street.names() == [])
    let claim = try claim("one")
    #expect(try Folder.names(in: root) == ["one"])
    #expect(try Set(Folder.names(in: root + "/one")) == ["meter", "promised"])
    #expect(claim.folder.state == .starting)
    #expect(throws: ConfigurationError.self) { try self.claim("one") }
    claim.release()
    #expect(try Folder.names(in: root) == [])
  }

  @Test("What a guest uses of a CPU is that since the last look, when there was one")
  func sharesSinceTheLastLook() throws {
    let claim = try claim("one")
    let page = try MeterPage(
      in: claim.meter, MeterShape(cpuCount: 1, diskCount: 0, networkCount: 0), memoryBytes: 1 << 20, process: getpid())
    page.set(.running)
    page.reached(.guestStarted, at: Instant(nanoseconds: Instant.now.nanoseconds - 1_000_000_000_000))
    func guests() throws -> [GuestSummary] { [GuestSummary(claim.folder, try claim.folder.look())] }
    var (first, second, shares) = (try guests(), try guests(), CPUShares())
    let overItsLife = try #require(first[0].cpuPercent)
    let start = Instant(nanoseconds: 5_000_000_000)
    shares.look(at: &first, now: start)
    #expect(first[0].cpuPercent == overItsLife)
    let before = try #require(first[0].cpuNanoseconds)
    repeat { second = try guests() } while second[0].cpuNanoseconds! < before + 50_000_000
    let used = second[0].cpuNanoseconds! - before
    shares.look(at: &second, now: start.advanced(byNanoseconds: 500_000_000))
    #expect(abs(second[0].cpuPercent! - Double(used) / 5_000_000) <= 0.051)
    var none: [GuestSummary] = []
    shares.look(at: &none, now: start.advanced(byNanoseconds: 600_000_000))
    var again = try guests()
    let life = again[0].cpuPercent
    shares.look(at: &again, now: start.advanced(byNanoseconds: 700_000_000))
    #expect(again[0].cpuPercent == life, "it was not there at the last look")
    claim.release()
  }
}
