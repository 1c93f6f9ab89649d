/// What goes through one disk, as the guest is told of it. Only the I/O thread writes here.
package struct DiskMeter: Sendable {
  private let block: MeterBlock

  init(_ block: MeterBlock) { self.block = block }

  private static func base(_ direction: FlowDirection) -> Int {
    (direction == .toGuest ? MeterLayout.Disk.read : .written).rawValue
  }

  /// Counts a request that was done.
  ///
  /// - Parameter latency: from when the device took the request to its end, in nanoseconds.
  package func count(_ direction: FlowDirection, bytes: UInt64, latency: UInt64) {
    let base = Self.base(direction)
    block.add(bytes, at: base + MeterLayout.Transfers.bytes.rawValue)
    block.add(1, at: base + MeterLayout.Transfers.requests.rawValue)
    block.add(latency, at: base + MeterLayout.Transfers.latencySum.rawValue)
    block.add(1, at: base + MeterLayout.Transfers.latencies.rawValue + 8 * LatencyHistogram.bucket(latency))
  }

  /// Counts what was moved of a request that was given up.
  package func countMoved(_ direction: FlowDirection, bytes: UInt64) {
    block.add(bytes, at: Self.base(direction) + MeterLayout.Transfers.bytes.rawValue)
  }

  /// Counts a request that the guest was told is not done.
  package func countFailure(_ direction: FlowDirection) {
    block.add(1, at: Self.base(direction) + MeterLayout.Transfers.failures.rawValue)
  }

  package func countFlush() { block.add(1, at: MeterLayout.Disk.flushes.rawValue) }

  /// Counts a discard, or a write of zeros.
  package func countDiscard() { block.add(1, at: MeterLayout.Disk.discards.rawValue) }

  package func show(_ limits: RateLimits) {
    block.store(limits, at: MeterLayout.Disk.limits.rawValue, budgetAt: MeterLayout.Disk.budget.rawValue)
  }

  package func show(budgetUsedUp: Bool) {
    block.store(budgetUsedUp ? 1 : 0, at: MeterLayout.Disk.budgetUsedUp.rawValue)
  }

  /// Adds time during which requests had to wait for the disk's limits.
  package func countThrottled(_ direction: FlowDirection, nanoseconds: UInt64) {
    block.add(nanoseconds, at: Self.base(direction) + MeterLayout.Transfers.timeThrottled.rawValue)
  }
}
