/// What a guest's kernel says of its memory, as its balloon's driver reports it (virtio 1.2, 5.5.6.3).
package struct MemoryReport: Equatable, Sendable {
  /// By the numbers of the specification's tags.
  package enum Item: Int, CaseIterable, Sendable {
    /// In bytes.
    case swappedIn = 0, swappedOut
    /// Counted.
    case majorFaults, minorFaults
    /// In bytes: what is not used at all, all that the kernel manages, what could be had without swapping, and what
    /// could be freed at once.
    case free, total, available, caches
    /// Counted.
    case hugePageAllocations, hugePageFailures
  }

  private var values = [UInt64?](repeating: nil, count: Item.allCases.count)

  package init() {}

  /// Nil: the guest does not say it.
  package subscript(item: Item) -> UInt64? {
    get { values[item.rawValue] }
    set { values[item.rawValue] = newValue }
  }
}

// As a field: u16, a bit for each item that the guest says, then their values, each u64.

extension MemoryReport {
  init?(_ body: inout FieldReader) {
    guard let said = body.next(UInt16.self), said >> UInt16(Item.allCases.count) == 0 else { return nil }
    for item in Item.allCases where said & 1 << UInt16(item.rawValue) != 0 {
      guard let value = body.next(UInt64.self) else { return nil }
      self[item] = value
    }
  }
}

extension [UInt8] {
  mutating func append(_ report: MemoryReport) {
    let said = MemoryReport.Item.allCases.filter { report[$0] != nil }
    append(little: said.reduce(0 as UInt16) { $0 | 1 << UInt16($1.rawValue) })
    for item in said { append(little: report[item] ?? 0) }
  }
}
