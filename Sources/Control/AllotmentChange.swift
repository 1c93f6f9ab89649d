/// A number of what a guest may use, and what it shall be.
package struct AllotmentChange: Equatable, Sendable {
  package var item: AllotmentItem
  /// 0 takes a limit away.
  package var value: UInt64

  package init(_ item: AllotmentItem, to value: UInt64) {
    self.item = item
    self.value = value
  }
}

/// A number of a guest's allotment.
package struct AllotmentItem: Equatable, Sendable {
  package enum Group: UInt8, CaseIterable, Sendable {
    /// Items as ``CPUItem`` has them.
    case cpu
    /// Items as `RateLimits.Item` has them.
    case disk, network
  }

  package enum CPUItem: UInt8, Sendable {
    /// In hundredths of a per cent.
    case quota
    /// In nanoseconds.
    case period, burst
    /// 1 to 10,000.
    case weight
  }

  package var group: Group
  /// Which of the guest's disks or network cards, from 0.
  package var index: UInt16
  package var item: UInt8

  package init(_ group: Group, index: UInt16 = 0, item: UInt8) {
    self.group = group
    self.index = index
    self.item = item
  }

  package init(_ item: CPUItem) { self.init(.cpu, item: item.rawValue) }
}

extension AllotmentChange {
  /// Takes one off the front of a message's body; nil when it has none.
  init?(_ body: inout FieldReader) {
    guard let code = body.next(UInt8.self), let group = AllotmentItem.Group(rawValue: code),
      let index = body.next(UInt16.self), let item = body.next(UInt8.self), let value = body.next(UInt64.self)
    else { return nil }
    self.init(AllotmentItem(group, index: index, item: item), to: value)
  }
}

extension [UInt8] {
  mutating func append(_ change: AllotmentChange) {
    append(little: change.item.group.rawValue)
    append(little: change.item.index)
    append(little: change.item.item)
    append(little: change.value)
  }
}
