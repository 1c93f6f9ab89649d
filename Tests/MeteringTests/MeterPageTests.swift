import Host
import Testing

@testable import Metering

/// The meter page as the VMM writes it and as others read it.
@Suite struct MeterPageTests {
  private let meter: SharedDescriptor

  init() throws { meter = SharedDescriptor(try .memory(named: "meter")) }

  private func makePage(cpus: Int = 2, disks: Int = 0, networks: Int = 0) throws -> MeterPage {
    let file = SharedDescriptor(try .duplicate(of: meter.number))
    let shape = MeterShape(cpuCount: cpus, diskCount: disks, networkCount: networks)
    return try MeterPage(in: file, shape, memoryBytes: 256 << 20, process: 4321)
  }

  private func reading() throws -> MeterReading { try #require(try MeterReading(of: meter.descriptor)) }

  @Test func aFreshPage() throws {
    _ = try makePage()
    let reading = try reading()
    #expect(reading.process == 4321 && reading.memoryBytes == 256 << 20)
    #expect(try MeterReading.memoryBytes(of: meter.descriptor) == 256 << 20)
    #expect(reading.state == .starting && reading.verdict == nil)
    #expect(reading.phases.isEmpty && reading.marks.isEmpty)
    #expect(reading.cpuNanoseconds == [0, 0] && reading.disks.isEmpty && reading.networks.isEmpty)
    #expect(reading.memoryGivenBytes == 256 << 20 && reading.sampled == nil && reading.cpuQuota == nil)
    #expect(HostClock.nanosecondsSince1970 - reading.startedSince1970 < 60_000_000_000)
    #expect(reading.exits.values.allSatisfy { $0 == 0 } && reading.exits.count == ExitReason.allCases.count)
  }

  @Test func everythingWrittenIsRead() throws {
    let page = try makePage(cpus: 3)
    page.set(.running)
    page.setVerdict(code: 3, value: 0x8000_0001)
    for (number, phase) in Phase.allCases.enumerated() {
      page.reached(phase, at: Instant(nanoseconds: UInt64(1000 + number)))
      page.reached(phase, at: Instant(nanoseconds: 5))  // only the first time counts
    }
    for (number, counter) in ConsoleCounter.allCases.enumerated() {
      page.count(10 + number, counter)
      page.count(100, counter)
    }
    for (number, reason) in ExitReason.allCases.enumerated() {
      for cpu in 0..<3 { for _ in 0...(number + cpu) { page.cpu(cpu).countExit(reason) } }
    }
    for cpu in 0..<3 {
      page.cpu(cpu).raiseTimeRun(to: UInt64(7000 + cpu))
      page.cpu(cpu).raiseTimeRun(to: 100)  // it never goes back
      for _ in 0..<2 { page.cpu(cpu).countThrottled(nanoseconds: UInt64(50 + cpu)) }
    }
    page.setAllotment(CPUQuota(nanoseconds: 5, periodNanoseconds: 20, burstNanoseconds: 3))
    page.setBalloon(target: 64 << 20, actual: 60 << 20)
    page.setSample(
      at: Instant(nanoseconds: 99), deviceNanoseconds: 11, resident: 12, residentPeak: 13, residentKibibyteSeconds: 14)

    let reading = try reading()
    #expect(reading.state == .running)
    #expect(reading.verdict?.code == 3 && reading.verdict?.value == 0x8000_0001)
    for (number, phase) in Phase.allCases.enumerated() {
      #expect(reading.phases[phase] == Instant(nanoseconds: UInt64(1000 + number)))
    }
    for (number, counter) in ConsoleCounter.allCases.enumerated() {
      #expect(reading.console[counter] == UInt64(110 + number))
    }
    for (number, reason) in ExitReason.allCases.enumerated() {
      #expect(reading.exits[reason] == UInt64(3 * number + 6))
    }
    #expect(reading.cpuNanoseconds == [7000, 7001, 7002])
    #expect(reading.cpus.map(\.throttledNanoseconds) == [100, 102, 104])
    #expect(reading.cpuQuota == CPUQuota(nanoseconds: 5, periodNanoseconds: 20, burstNanoseconds: 3))
    #expect(reading.balloonTargetBytes == 64 << 20 && reading.memoryGivenBytes == 196 << 20)
    #expect(reading.sampled == Instant(nanoseconds: 99) && reading.deviceNanoseconds == 11)
    #expect(reading.residentBytes == 12 && reading.residentPeakBytes == 13 && reading.residentByteSeconds == 14 << 10)
  }

  @Test func disksAndNetworkCardsAreApart() throws {
    let page = try makePage(cpus: 1, disks: 2, networks: 2)
    for index in 0..<2 {
      let disk = page.disk(index)
      for direction in FlowDirection.allCases {
        let bytes = UInt64(512 * (1 + direction.rawValue + 2 * index))
        disk.count(direction, bytes: bytes, latency: 1000)
        disk.count(direction, bytes: bytes, latency: 1_000_000)
        disk.countThrottled(direction, nanoseconds: bytes)
        page.network(index).count(direction, bytes: Int(bytes))
        page.network(index).countThrottled(direction, nanoseconds: bytes + 1)
      }
      disk.countFailure(.fromGuest)
      disk.countFlush()
      disk.countDiscard()
      page.network(index).countDrop(.toGuest)
    }
    var limits = RateLimits()
    limits[.rate(.bytesFromGuest)] = 1000
    limits[.rate(.operations)] = 70
    limits[.burst(.operations)] = 3
    limits[.budget] = 99
    page.disk(1).show(limits)
    page.network(0).show(limits)
    limits[.burst(.bytesFromGuest)] = 4096
    let reading = try reading()
    #expect(
      reading.disks.map(\.limits) == [RateLimits(), limits]
      && reading.networks.map(\.limits) == [limits, RateLimits()])
    for index in 0..<2 {
      let (read, written) = (UInt64(512 * (1 + 2 * index)), UInt64(512 * (2 + 2 * index)))
      let disk = reading.disks[index]
      #expect(disk.read.bytes == 2 * read && disk.written.bytes == 2 * written)
      #expect(disk.read.requests == 2 && disk.read.failures == 0 && disk.written.failures == 1)
      #expect(disk.read.throttledNanoseconds == read && disk.flushes == 1 && disk.discards == 1)
      #expect(disk.read.latencies.counts[9] == 1 && disk.read.latencies.counts[19] == 1)
      #expect(disk.written.latencies.total == 2 && disk.written.latencyNanoseconds == 1_001_000)
      let network = reading.networks[index]
      #expect(network.received == .init(packets: 1, bytes: read, drops: 1, throttledNanoseconds: read + 1))
      #expect(network.sent == .init(packets: 1, bytes: written, drops: 0, throttledNanoseconds: written + 1))
    }
  }

  @Test func everyRunHasAnIdentity() throws {
    var runs: Set<String> = []
    for _ in 0..<4 {
      _ = try makePage()
      runs.insert(try reading().run)
    }
    #expect(runs.count == 4 && runs.allSatisfy { $0.count == 32 })
  }

  @Test func marksKeepTheirOrderAndTheFirst128() throws {
    let page = try makePage()
    for number in 0..<300 {
      page.addMark(UInt8(number & 0xff), source: UInt8(number % 2), at: Instant(nanoseconds: UInt64(number + 1)))
    }
    let marks = try reading().marks
    #expect(marks.count == 128)
    for (number, mark) in marks.enumerated() {
      #expect(Int(mark.byte) == number && Int(mark.source) == number % 2)
      #expect(mark.instant == Instant(nanoseconds: UInt64(number + 1)))
    }
  }

  @Test("Threads that mark at once lose no mark and mix none")
  func marksOfManyThreads() throws {
    let page = try makePage()
    let threads = try (0..<4).map { number in
      try Thread(named: "marks") {
        for byte in 0..<32 {
          page.addMark(UInt8(byte), source: UInt8(number), at: Instant(nanoseconds: UInt64(1 + number * 32 + byte)))
        }
      }
    }
    for thread in threads { thread.join() }
    let marks = try reading().marks
    #expect(marks.count == 128)
    for mark in marks { #expect(mark.instant.nanoseconds == 1 + UInt64(mark.source) * 32 + UInt64(mark.byte)) }
  }

  @Test func anEarlierGuestsFiguresAreGone() throws {
    do {
      let page = try makePage(cpus: 40)
      page.cpu(39).countExit(.portRead)
      page.setVerdict(code: 1, value: 0)
    }
    _ = try makePage(cpus: 1)
    let reading = try reading()
    #expect(reading.verdict == nil && reading.exits[.portRead] == 0 && reading.cpuNanoseconds.count == 1)
  }

  @Test("A file that is no whole meter is refused", arguments: [
    Damage("magic", at: .magic, value: 0x1234),
    Damage("empty magic", at: .magic, value: 0),
    Damage("a version to come", at: .version, value: MeterLayout.version + 1),
    Damage("no CPUs", at: .cpuCount, value: 0),
    Damage("more CPUs than the file has", at: .cpuCount, value: 17),
    Damage("absurdly many CPUs", at: .cpuCount, value: .max),
    Damage("a negative number of CPUs", at: .cpuCount, value: 1 << 63),
    Damage("more disks than the file has", at: .diskCount, value: 17),
    Damage("a negative number of network cards", at: .networkCount, value: 1 << 63),
    Damage("disks elsewhere", at: .disks, value: 0),
    Damage("a length beyond the file", at: .byteCount, value: 1 << 20),
    Damage("an unknown state", at: .state, value: 4),
  ])
  func damagedFiles(_ damage: Damage) throws {
    _ = try makePage()
    #expect(try MeterReading(of: meter.descriptor) != nil)
    try write(damage.value, at: damage.field)
    #expect(try MeterReading(of: meter.descriptor) == nil)
  }

  @Test(arguments: [0, 1, 7, 8, 4095, 4096, 4097, 8191])
  func truncatedFiles(_ bytes: Int64) throws {
    _ = try makePage()
    try meter.descriptor.truncate(to: bytes)
    #expect(try MeterReading(of: meter.descriptor) == nil)
  }

  @Test("A count of marks that is too large reads no memory beyond them")
  func tooManyMarks() throws {
    let page = try makePage()
    page.addMark(1, source: 0, at: Instant(nanoseconds: 1))
    try write(.max, at: .markCount)
    #expect(try reading().marks.count == 1)
  }

  private func write(_ value: UInt64, at field: MeterLayout.Guest) throws {
    let mapping = try Mapping.file(meter.descriptor, count: 4096)
    // SAFETY: the offset is one of the layout's, below 4,096.
    unsafe mapping.base.storeBytes(of: value, toByteOffset: field.rawValue, as: UInt64.self)
  }

  struct Damage: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let field: MeterLayout.Guest
    let value: UInt64

    init(_ name: String, at field: MeterLayout.Guest, value: UInt64) {
      testDescription = name
      self.field = field
      self.value = value
    }
  }
}
