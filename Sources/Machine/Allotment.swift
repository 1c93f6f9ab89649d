import Control
import Metering

/// What a guest may use and can be changed while it runs, but for its memory. Both programs know by it what can be.
package struct Allotment: Equatable, Sendable {
  package var cpu: CPUAllotment
  package var disks: [RateLimits]
  package var networks: [RateLimits]

  package init(cpu: CPUAllotment, disks: [RateLimits], networks: [RateLimits]) {
    self.cpu = cpu
    self.disks = disks
    self.networks = networks
  }

  /// The disks first, then the network cards.
  var devices: [RateLimits] { disks + networks }

  /// Makes changes, in whatever order they come. Whether all can be at once says ``check(cpuCount:)``.
  ///
  /// - Throws: for what the guest does not have. It is then of no use any more.
  package mutating func make(_ changes: [AllotmentChange]) throws(ControlFault) {
    // Items are numbered so that a quota comes before its period and burst, and a rate before its burst: when it is
    // taken away, so are these.
    for change in changes.sorted(by: { $0.item.item < $1.item.item }) { try make(change) }
  }

  private mutating func make(_ change: AllotmentChange) throws(ControlFault) {
    let (index, item) = (Int(change.item.index), Int(change.item.item))
    switch change.item.group {
    case .cpu: try cpu.set(item, to: change.value)
    case .disk:
      guard disks.indices.contains(index) else { throw .noSuchDevice }
      try disks[index].set(item, to: change.value)
    case .network:
      guard networks.indices.contains(index) else { throw .noSuchDevice }
      try networks[index].set(item, to: change.value)
    }
  }

  /// Whether all of it can be at once, as far as can be known without the host.
  package func check(cpuCount: Int) throws(ConfigurationError) {
    try cpu.check(cpuCount: cpuCount)
    for (index, limits) in disks.enumerated() { try limits.check(.disk, of: "disk\(index)") }
    for (index, limits) in networks.enumerated() { try limits.check(.network, of: "net\(index)") }
  }
}

extension CPUAllotment {
  /// - Parameters:
  ///   - item: as `AllotmentItem.CPUItem` numbers them.
  ///   - value: 0: no limit.
  fileprivate mutating func set(_ item: Int, to value: UInt64) throws(ControlFault) {
    switch UInt8(exactly: item).flatMap(AllotmentItem.CPUItem.init) {
    case .quota:
      quotaBasisPoints = value == 0 ? nil : value
      // They are nothing without it, and are not taken without it.
      if value == 0 { (periodNanoseconds, burstNanoseconds) = (CPUQuota.defaultPeriod, 0) }
    case .period: periodNanoseconds = value
    case .burst: burstNanoseconds = value
    case .weight: weight = value
    case nil: throw .unknownRequest
    }
  }
}

extension RateLimits {
  /// - Parameters:
  ///   - number: an item's place in ``RateLimits/Item/all``.
  ///   - value: 0: no limit.
  fileprivate mutating func set(_ number: Int, to value: UInt64) throws(ControlFault) {
    guard Item.all.indices.contains(number) else { throw .unknownRequest }
    let item = Item.all[number]
    self[item] = value == 0 ? nil : value
    if case .rate(let quantity) = item, value == 0 { self[.burst(quantity)] = nil }
  }
}
