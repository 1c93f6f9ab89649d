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
    #expect(try claim.folder.look().state == .starting)
    #expect(throws: ConfigurationError.self) { try self.claim("one") }
    claim.release()
    #expect(try Folder.names(in: root) == [])
  }

  /// The folder of a guest that has ended, with these bytes as its meter; nil: none.
  private func ended(_ name: String, meter: [UInt8]?) throws -> GuestFolder {
    let folder = street.folder(try GuestName(name, option: name))
    try Folder.makeAll(folder.path)
    if let meter {
      try Descriptor.open(folder.path(of: .meter), [.writeOnly, .create], permissions: 0o600).writeAll(meter)
    }
    return folder
  }

  /// The bytes of a meter whose guest ran, with another version in its second word than this program's.
  private func foreignMeter() throws -> [UInt8] {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: file, MeterShape(cpuCount: 1, diskCount: 0, networkCount: 0), memoryBytes: 1 << 20, process: 9)
    page.reached(.guestStarted)
    var bytes = try file.descriptor.read(count: page.shape.byteCount, at: 0)
    bytes[8] &+= 1
    return bytes
  }

  @Test("A guest whose meter is not understood is not taken for one that never ran")
  func foreignMeters() throws {
    let meter = try foreignMeter()
    for (name, bytes) in [("version", meter), ("cut", Array(meter.prefix(100))), ("word", Array("meter".utf8))] {
      let guest = try ended(name, meter: bytes)
      #expect { _ = try street.remove(guest) } throws: { error in
        let text = "\(error)"
        return text.contains("\(guest.path)/meter: ") && text.contains("another version") && text.contains("--force")
      }
      #expect { _ = try claim(name) } throws: { error in
        let text = "\(error)"
        return text.contains("--name \(name): \(guest.path)/meter: ") && text.contains("remove --force \(name)`")
      }
      #expect(try guest.look().state == .crashed && guest.isThere())
      #expect(try street.remove(guest, isDiscarded: true))
      #expect(try !guest.isThere())
    }
    // As before an upgrade.
    let guest = try ended("settled", meter: meter)
    try guest.write("", to: .settled)
    #expect(try street.remove(guest) && !guest.isThere())
  }

  @Test("A guest without a meter, or with one that no VMM has filled, never ran", arguments: [nil, 0, 100, 1 << 16])
  func unfilledMeters(count: Int?) throws {
    let guest = try ended("one", meter: count.map { [UInt8](repeating: 0, count: $0) })
    #expect(try street.remove(guest) && !guest.isThere())
  }

  @Test("What cannot be read is not settled")
  func unreadableMeters() throws {
    let guest = try ended("one", meter: nil)
    try Folder.make(guest.path(of: .meter))
    #expect { try guest.settle() } throws: { "\($0)".contains("\(guest.path)/meter: what the guest used") }
  }

  /// A guest that was started a thousand seconds ago, on a meter that this process fills.
  private func guest() throws -> (claim: Street.Claim, page: MeterPage, start: Instant) {
    let claim = try claim("one")
    let page = try MeterPage(
      in: claim.meter, MeterShape(cpuCount: 1, diskCount: 0, networkCount: 0), memoryBytes: 1 << 20, process: getpid())
    let start = Instant(nanoseconds: 1_000_000_000)
    page.set(.running)
    page.reached(.guestStarted, at: start)
    return (claim, page, start)
  }

  @Test("What a guest uses of a CPU is that from sample to sample, and over its life at the first look")
  func sharesSinceTheLastLook() throws {
    let (claim, page, start) = try guest()
    var shares = CPUShares()
    func share(_ vcpu: UInt64, devices: UInt64, at second: UInt64) throws -> Double? {
      let now = start.advanced(byNanoseconds: second * 1_000_000_000)
      page.cpu(0).raiseTimeRun(to: vcpu * 1_000_000)
      page.setSample(
        at: now, deviceNanoseconds: devices * 1_000_000, resident: 1, residentPeak: 1, residentKibibyteSeconds: 1)
      var guests = [GuestSummary(claim.folder, try claim.folder.look(), at: now)]
      #expect(guests[0].cpuNanoseconds == (vcpu + devices) * 1_000_000)
      shares.look(at: &guests)
      return guests[0].cpuPercent
    }
    #expect(try share(400, devices: 100, at: 10) == 5)
    #expect(try share(1400, devices: 200, at: 12) == 55)
    #expect(try share(1400, devices: 200, at: 12) == 55, "no sample since")
    #expect(try share(1400, devices: 200, at: 14) == 0)
    var none: [GuestSummary] = []
    shares.look(at: &none)
    #expect(try share(1400, devices: 200, at: 16) == 10, "it was not there at the last look")
    claim.release()
  }

  @Test("CPU time is that of vCPUs and devices, and does not fall when the guest ends")
  func cpuTimeOverAnEnd() throws {
    let (claim, page, start) = try guest()
    page.cpu(0).raiseTimeRun(to: 300)
    page.setSample(at: start, deviceNanoseconds: 90, resident: 1, residentPeak: 1, residentKibibyteSeconds: 1)
    func summary(isAlive: Bool) throws -> GuestSummary {
      GuestSummary(claim.folder, .init(isAlive: isAlive, meter: try claim.folder.look().meter), at: start)
    }
    let (running, crashed) = (try summary(isAlive: true), try summary(isAlive: false))
    page.setVerdict(code: 1, value: 0)
    let ended = try summary(isAlive: false)
    #expect([running.state, crashed.state, ended.state] == [.running, .crashed, .ended])
    #expect([running, crashed, ended].map(\.cpuNanoseconds) == [390, 390, 390])
    claim.release()
  }

  @Test("A VMM whose last sample is old is silent: what it uses of a CPU nobody knows, but its memory the kernel does")
  func silentGuests() throws {
    let (claim, page, start) = try guest()
    page.cpu(0).raiseTimeRun(to: 300)
    page.setSample(at: start, deviceNanoseconds: 90, resident: 1, residentPeak: 1, residentKibibyteSeconds: 1)
    func summary(after seconds: UInt64) throws -> GuestSummary {
      GuestSummary(claim.folder, try claim.folder.look(), at: start.advanced(byNanoseconds: seconds * 1_000_000_000))
    }
    // What is asked of this process by two ways moves a little between them.
    let resident = try #require(try ProcessMemory().figures()).resident
    #expect(try summary(after: 10).state == .running)
    let silent = try summary(after: 20)
    #expect(silent.state == .silent && silent.cpuPercent == nil && silent.cpuNanoseconds == 390)
    let listed = try #require(silent.residentBytes)
    #expect(abs(Int(listed) - Int(resident)) < 16 << 20)
    #expect(ListCommand.table([silent]).contains(HumanQuantity.bytes(listed)))
    #expect(ListCommand.table([silent]).contains("silent") && silent.json.contains("\"state\" : \"silent\""))
    claim.release()
  }
}
