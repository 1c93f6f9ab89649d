/// What goes through one network card, frames without virtio's header. Only the I/O thread writes here; anybody may
/// read.
package struct NetworkMeter: Sendable {
  package struct Direction: Equatable, Sendable {
    package var packets: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Packets that were neither delivered nor counted above.
    package var drops: UInt64 = 0
    /// Time during which packets had to wait for the card's limits.
    package var throttledNanoseconds: UInt64 = 0

    package init(packets: UInt64 = 0, bytes: UInt64 = 0, drops: UInt64 = 0, throttledNanoseconds: UInt64 = 0) {
      self.packets = packets
      self.bytes = bytes
      self.drops = drops
      self.throttledNanoseconds = throttledNanoseconds
    }
  }

  private let block: MeterBlock

  init(_ block: MeterBlock) { self.block = block }

  private static func base(_ direction: FlowDirection) -> Int {
    (direction == .toGuest ? MeterLayout.Network.received : .sent).rawValue
  }

  /// Counts a packet that the guest got, or that the host took.
  package func count(_ direction: FlowDirection, bytes: Int) {
    let base = Self.base(direction)
    block.add(UInt64(bytes), at: base + MeterLayout.Packets.bytes.rawValue)
    block.add(1, at: base + MeterLayout.Packets.packets.rawValue)
  }

  /// Counts a packet that no buffer of the guest can hold; or one that the host did not take: nobody is at the other
  /// end, it does not read, the packet makes no sense, or the card's budget is used up.
  package func countDrop(_ direction: FlowDirection) {
    countDrops(direction, 1)
  }

  /// Counts packets that were lost before they came to the card.
  package func countDrops(_ direction: FlowDirection, _ count: UInt64) {
    block.add(count, at: Self.base(direction) + MeterLayout.Packets.drops.rawValue)
  }

  package func show(_ limits: RateLimits) {
    block.store(limits, at: MeterLayout.Network.limits.rawValue, budgetAt: MeterLayout.Network.budget.rawValue)
  }

  package func show(budgetUsedUp: Bool) {
    block.store(budgetUsedUp ? 1 : 0, at: MeterLayout.Network.budgetUsedUp.rawValue)
  }

  package func countThrottled(_ direction: FlowDirection, nanoseconds: UInt64) {
    block.add(nanoseconds, at: Self.base(direction) + MeterLayout.Packets.timeThrottled.rawValue)
  }

  package func reading(_ direction: FlowDirection) -> Direction {
    let base = Self.base(direction)
    func load(_ field: MeterLayout.Packets) -> UInt64 { block.load(at: base + field.rawValue) }
    return Direction(
      packets: load(.packets), bytes: load(.bytes), drops: load(.drops), throttledNanoseconds: load(.timeThrottled))
  }
}
