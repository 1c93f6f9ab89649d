import Host
import Machine
import Testing

@testable import Metering
@testable import rowhouse

/// Whoever may write a guest's folder may write any figure into its meter. Every view shows something, and none traps.
@Suite("Meters with any figures")
struct HostileMeterTests {
  private static let figures: [UInt64] = [0, 1, 2, 999, 1 << 32, 1 << 53, 1 << 63, .max - 1, .max]

  /// The bytes of a sound meter.
  private func page() throws -> [UInt8] {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 2, diskCount: 2, networkCount: 1),
      memoryBytes: 1 << 28, process: 9)
    page.reached(.guestStarted, at: Instant(nanoseconds: 1))
    return try file.descriptor.read(count: page.shape.byteCount, at: 0)
  }

  /// With the same figure in every word, or with any one, but for what says that this is a meter and where its parts
  /// are.
  private func reading(of page: [UInt8], _ figure: UInt64?, state: UInt64) throws -> MeterReading {
    var bytes = page
    let fields: [MeterLayout.Guest] = [
      .magic, .version, .byteCount, .cpuCount, .diskCount, .networkCount, .cpus, .disks, .networks,
    ]
    let fixed = Set(fields.map(\.rawValue))
    for offset in stride(from: 0, to: bytes.count, by: 8) where !fixed.contains(offset) {
      let value = offset == MeterLayout.Guest.state.rawValue ? state : figure ?? Self.figures.randomElement()!
      for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
    }
    return try #require(MeterReading(bytes))
  }

  private func show(_ meter: MeterReading, before: MeterReading) throws {
    let name = try GuestName("one", option: "one")
    #expect(MeterText("one", .running, meter).text.contains("console"))
    #expect(MeterDocument("one", .running, meter).json.contains("\"cpus\""))
    for format in [Exposition.Format.openmetrics, .prometheus] {
      var metrics = GuestMetrics()
      metrics.add("one", .running, meter)
      #expect(metrics.text(format).contains("rowhouse_guest"))
    }
    let limits = HostLimits(cpuCount: 2, of: 2, cpuGroup: nil, memoryBytes: 1 << 33, memoryGroup: nil)
    var division = HostDivision(limits, MemoryBudget(factor: 1, nil, hostBytes: 1 << 33, within: nil))
    for time in [0, 1, .max] as [UInt64] {
      division.add(
        "one", .init(meter, at: Instant(nanoseconds: time)), since: .init(before, at: Instant(nanoseconds: 0)))
    }
    #expect(DivisionText(division, isColored: true).text.hasPrefix("3 guests"))
    #expect(HostDocument(division).json.contains("one"))
    var history = GuestHistory()
    for (look, now) in [(before, 0), (meter, 0), (meter, 1), (before, .max), (meter, .max)]
      as [(MeterReading, UInt64)] {
      history.look(look, at: Instant(nanoseconds: now))
    }
    let guest = TopView.Guest(
      name: "one", state: .running, cpus: 2, memoryBytes: meter.memoryBytes, history: history)
    for order in TopView.Order.allCases {
      let view = TopView(guests: [guest, guest], order: order, limits: limits)
      #expect(view.lines(columns: 120, rows: 24).count == 4)
    }
    for isAlive in [true, false] {
      let summary = GuestSummary(GuestFolder(name: name, path: "/nowhere"), .init(isAlive: isAlive, meter: meter))
      #expect(summary.json.contains("one") && ListCommand.table([summary]).contains("one"))
    }
    if let record = LedgerRecord("one", nil, meter) {
      #expect(Bill([record, record], by: .name).text(.table).contains("one"))
      #expect(
        Bill([record], by: .day).text(.csv).contains("\r\n")
        && Bill([record], by: .day).text(.json).contains("{"))
    }
    let configuration = try Configuration(arguments: ["--kernel", "k"])
    let record = RunRecord(
      configuration, .exited(status: 0), cpuTime: .init(userNanoseconds: 1, systemNanoseconds: 1),
      spawned: Instant(nanoseconds: 1), wallNanoseconds: .max, meter: meter)
    if let record { #expect(!record.sentence.isEmpty && VerdictDocument(record).json.contains("verdict")) }
  }

  @Test(arguments: figures) func theSameEverywhere(figure: UInt64) throws {
    let page = try page()
    for state in 0..<4 as Range<UInt64> {
      let meter = try reading(of: page, figure, state: state)
      for other in Self.figures { try show(meter, before: try reading(of: page, other, state: state)) }
    }
  }

  @Test func anyMixture() throws {
    let page = try page()
    for turn in 0..<200 as Range<UInt64> {
      try show(try reading(of: page, nil, state: turn % 4), before: try reading(of: page, nil, state: turn % 4))
    }
  }
}
