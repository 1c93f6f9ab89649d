import Host
import Testing

@testable import Metering

/// The meter page as the VMM writes it and as others read it.
@Suite struct MeterPageTests {
  private let meter: SharedDescriptor

  init() throws { meter = SharedDescriptor(try .memory(named: "meter")) }

  private func makePage(cpus: Int = 2) throws -> MeterPage {
    let file = SharedDescriptor(try .duplicate(of: meter.number))
    return try MeterPage(in: file, cpuCount: cpus, memoryBytes: 256 << 20, process: 4321)
  }

  private func reading() throws -> MeterReading { try #require(try MeterReading(of: meter.descriptor)) }

  @Test func aFreshPage() throws {
    _ = try makePage()
    let reading = try reading()
    #expect(reading.process == 4321 && reading.memoryBytes == 256 << 20)
    #expect(reading.state == .starting && reading.verdict == nil)
    #expect(reading.phases.isEmpty && reading.marks.isEmpty)
    #expect(reading.cpuNanoseconds == [0, 0])
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
      for cpu in 0..<3 { for _ in 0...(number + cpu) { page.countExit(reason, cpu: cpu) } }
    }
    for cpu in 0..<3 { page.setCPUTime(UInt64(7000 + cpu), cpu: cpu) }

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
      page.countExit(.portRead, cpu: 39)
      page.setVerdict(code: 1, value: 0)
    }
    _ = try makePage(cpus: 1)
    let reading = try reading()
    #expect(reading.verdict == nil && reading.exits[.portRead] == 0 && reading.cpuNanoseconds.count == 1)
  }

  @Test("A file that is no whole meter is refused", arguments: [
    Damage("magic", at: MeterLayout.magicOffset, value: 0x1234),
    Damage("empty magic", at: MeterLayout.magicOffset, value: 0),
    Damage("a version to come", at: MeterLayout.versionOffset, value: MeterLayout.version + 1),
    Damage("no CPUs", at: MeterLayout.cpuCountOffset, value: 0),
    Damage("more CPUs than the file has", at: MeterLayout.cpuCountOffset, value: 17),
    Damage("absurdly many CPUs", at: MeterLayout.cpuCountOffset, value: .max),
    Damage("a negative number of CPUs", at: MeterLayout.cpuCountOffset, value: 1 << 63),
    Damage("an unknown state", at: MeterLayout.stateOffset, value: 3),
  ])
  func damagedFiles(_ damage: Damage) throws {
    _ = try makePage()
    #expect(try MeterReading(of: meter.descriptor) != nil)
    try write(damage.value, at: damage.offset)
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
    try write(.max, at: MeterLayout.markCountOffset)
    #expect(try reading().marks.count == 1)
  }

  private func write(_ value: UInt64, at offset: Int) throws {
    let mapping = try Mapping.file(meter.descriptor, count: 4096)
    // SAFETY: the offset is one of the layout's, below 4,096.
    unsafe mapping.base.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
  }

  struct Damage: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let offset: Int
    let value: UInt64

    init(_ name: String, at offset: Int, value: UInt64) {
      testDescription = name
      self.offset = offset
      self.value = value
    }
  }
}
