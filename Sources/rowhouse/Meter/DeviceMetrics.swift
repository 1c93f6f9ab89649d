import Metering

/// What may go through disks, and does.
struct DiskMetrics {
  private var bytes = Exposition.Family(
    "rowhouse_guest_disk_bytes", .counter, unit: "bytes", "Bytes that requests to a disk have moved.")
  private var requests = Exposition.Family(
    "rowhouse_guest_disk_requests", .counter, unit: "requests", "Requests to a disk that were done.")
  private var failures = Exposition.Family(
    "rowhouse_guest_disk_failures", .counter, unit: "failures", "Requests to a disk that were not done.")
  private var flushes = Exposition.Family(
    "rowhouse_guest_disk_flushes", .counter, unit: "flushes", "Flushes of a disk.")
  private var discards = Exposition.Family(
    "rowhouse_guest_disk_discards", .counter, unit: "discards", "Discards and writes of zeros of a disk.")
  private var throttled = Exposition.Family(
    "rowhouse_guest_disk_throttled_seconds", .counter, unit: "seconds", "Time in which a disk's requests waited.")
  private var latency = Exposition.Family(
    "rowhouse_guest_disk_latency_seconds", .histogram, unit: "seconds",
    "From a disk's request being taken to its answer.")
  private var limits = LimitMetrics("disk", "requests", directions: ("read", "write"))

  var families: [Exposition.Family] {
    [bytes, requests, failures, flushes, discards, throttled, latency] + limits.families
  }

  mutating func add(_ disk: MeterReading.Disk, isOver: Bool, _ labels: [(String, String)]) {
    flushes.add(disk.flushes, labels)
    discards.add(disk.discards, labels)
    for (direction, transfers) in [("read", disk.read), ("write", disk.written)] {
      let labels = labels + [("direction", direction)]
      bytes.add(transfers.bytes, labels)
      requests.add(transfers.requests, labels)
      failures.add(transfers.failures, labels)
      throttled.add(nanoseconds: transfers.throttledNanoseconds, labels)
      latency.add(transfers.latencies, nanoseconds: transfers.latencyNanoseconds, labels)
    }
    if !isOver { limits.add(disk.limits, isBudgetUsedUp: disk.isBudgetUsedUp, labels) }
  }
}

/// What may go through network cards, and does.
struct NetworkMetrics {
  private var bytes = Exposition.Family(
    "rowhouse_guest_network_bytes", .counter, unit: "bytes", "Bytes that went through a network card.")
  private var packets = Exposition.Family(
    "rowhouse_guest_network_packets", .counter, unit: "packets", "Packets that went through a network card.")
  private var drops = Exposition.Family(
    "rowhouse_guest_network_drops", .counter, unit: "drops", "Packets that a network card lost.")
  private var throttled = Exposition.Family(
    "rowhouse_guest_network_throttled_seconds", .counter, unit: "seconds", "Time in which a card's packets waited.")
  private var limits = LimitMetrics("network", "packets", directions: ("receive", "send"))

  var families: [Exposition.Family] { [bytes, packets, drops, throttled] + limits.families }

  mutating func add(_ network: MeterReading.Network, isOver: Bool, _ labels: [(String, String)]) {
    for (direction, figures) in [("receive", network.received), ("send", network.sent)] {
      let labels = labels + [("direction", direction)]
      bytes.add(figures.bytes, labels)
      packets.add(figures.packets, labels)
      drops.add(figures.drops, labels)
      throttled.add(nanoseconds: figures.throttledNanoseconds, labels)
    }
    if !isOver { limits.add(network.limits, isBudgetUsedUp: network.isBudgetUsedUp, labels) }
  }
}

/// The limits that are set, by direction: each way's own, and that of both together.
private struct LimitMetrics {
  private var byteRate, byteBurst, rate, burst, budget, usedUp: Exposition.Family
  private let directions: (toGuest: String, fromGuest: String)

  /// - Parameter operations: what the device's operations are called.
  init(_ device: String, _ operations: String, directions: (String, String)) {
    let start = "rowhouse_guest_\(device)"
    self.directions = directions
    byteRate = Exposition.Family(
      "\(start)_limit_bytes_per_second", .gauge, unit: "bytes_per_second", "Bytes a second that may go through.")
    byteBurst = Exposition.Family(
      "\(start)_burst_bytes", .gauge, unit: "bytes", "Bytes that may be saved up for a burst.")
    rate = Exposition.Family(
      "\(start)_limit_\(operations)_per_second", .gauge, unit: "\(operations)_per_second",
      "How many \(operations) a second may go through.")
    burst = Exposition.Family(
      "\(start)_burst_\(operations)", .gauge, unit: operations, "How many \(operations) may be saved up for a burst.")
    budget = Exposition.Family("\(start)_budget_bytes", .gauge, unit: "bytes", "Bytes that may go through in all.")
    usedUp = Exposition.Family(
      "\(start)_budget_used_up", .gauge, "1 when the budget is used up, and nothing goes through any more.")
  }

  var families: [Exposition.Family] { [byteRate, byteBurst, rate, burst, budget, usedUp] }

  mutating func add(_ limits: RateLimits, isBudgetUsedUp: Bool, _ labels: [(String, String)]) {
    for quantity in RateLimits.Quantity.allCases {
      guard let limit = limits.limit(quantity) else { continue }
      let labels = labels + [("direction", direction(quantity))]
      if quantity.isOfBytes {
        byteRate.add(limit.rate, labels)
        byteBurst.add(limit.burst, labels)
      } else {
        rate.add(limit.rate, labels)
        burst.add(limit.burst, labels)
      }
    }
    if let bytes = limits[.budget] {
      budget.add(bytes, labels)
      usedUp.add(isBudgetUsedUp ? 1 : 0, labels)
    }
  }

  private func direction(_ quantity: RateLimits.Quantity) -> String {
    switch (quantity.counts(.toGuest), quantity.counts(.fromGuest)) {
    case (true, false): directions.toGuest
    case (false, true): directions.fromGuest
    default: "both"
    }
  }
}
