import Control
import Metering
import Testing

@testable import Machine

@Suite("What a guest may use, changed") struct AllotmentTests {
  private static let quota = AllotmentItem(.quota)
  private static let period = AllotmentItem(.period)
  private static let burst = AllotmentItem(.burst)

  private static func disk(_ item: RateLimits.Item) -> AllotmentItem {
    AllotmentItem(.disk, index: 1, item: UInt8(item.number))
  }

  private static func allotment() -> Allotment {
    Allotment(cpu: CPUAllotment(), disks: [RateLimits(), RateLimits()], networks: [])
  }

  /// All orders of three changes that belong together, each from nothing and back to it.
  @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
  func orderMeansNothing(order: [Int]) throws {
    var allotment = Self.allotment()
    let cpu = [(Self.quota, 500), (Self.period, 100_000_000), (Self.burst, 4_000_000)] as [(AllotmentItem, UInt64)]
    let disk: [(RateLimits.Item, UInt64)] = [
      (.rate(.operations), 100), (.burst(.operations), 3), (.budget, 1 << 20),
    ]
    try allotment.make(order.map { AllotmentChange(cpu[$0].0, to: cpu[$0].1) })
    try allotment.make(order.map { AllotmentChange(Self.disk(disk[$0].0), to: disk[$0].1) })
    try allotment.check(cpuCount: 1)
    #expect(
      allotment.cpu.quota
        == CPUQuota(nanoseconds: 5_000_000, periodNanoseconds: 100_000_000, burstNanoseconds: 4_000_000))
    #expect(allotment.disks[0].isEmpty)
    for (item, value) in disk { #expect(allotment.disks[1][item] == value) }

    try allotment.make(order.map { AllotmentChange(Self.disk(disk[$0].0), to: 0) })
    #expect(allotment.disks[1].isEmpty)
    // What goes with a quota or a rate goes away with it.
    try allotment.make([AllotmentChange(Self.quota, to: 0), AllotmentChange(Self.disk(.rate(.bytes)), to: 5)])
    try allotment.make([AllotmentChange(Self.disk(.burst(.bytes)), to: 5)])
    try allotment.make([AllotmentChange(Self.disk(.rate(.bytes)), to: 0)])
    #expect(allotment == Self.allotment())
  }

  @Test(arguments: [
    [AllotmentChange(period, to: 50_000_000)], [AllotmentChange(burst, to: 1)],
    [AllotmentChange(burst, to: 1), AllotmentChange(quota, to: 0)], [AllotmentChange(quota, to: 10_001)],
    [AllotmentChange(quota, to: .max), AllotmentChange(period, to: .max)],
    [AllotmentChange(disk(.burst(.bytes)), to: 1)],
    [AllotmentChange(disk(.burst(.bytes)), to: 1), AllotmentChange(disk(.rate(.bytes)), to: 0)],
  ])
  func whatCannotBeIsFound(changes: [AllotmentChange]) throws {
    var allotment = Self.allotment()
    try allotment.make(changes)
    #expect(throws: ConfigurationError.self) { try allotment.check(cpuCount: 1) }
  }

  @Test(arguments: [
    (AllotmentItem(.disk, index: 2, item: 0), ControlFault.noSuchDevice),
    (AllotmentItem(.network, index: 0, item: 0), .noSuchDevice),
    (AllotmentItem(.disk, index: 0, item: UInt8(RateLimits.Item.all.count)), .unknownRequest),
    (AllotmentItem(.cpu, item: 4), .unknownRequest),
  ])
  func whatIsNotThereIsFound(item: AllotmentItem, fault: ControlFault) {
    var allotment = Self.allotment()
    #expect(throws: fault) { try allotment.make([AllotmentChange(item, to: 1)]) }
  }
}
