import Host
import Machine
import Metering

/// A guest's meter as a person reads it: a line for each thing that is divided.
struct MeterText {
  let text: String

  /// - Parameter now: when the meter was read.
  init(_ name: String, _ state: GuestFolder.State, _ meter: MeterReading, at now: Instant = .now) {
    var rows: [[String]] = []
    func add(_ what: String, _ allotted: String, _ used: String, _ rest: String = "") {
      rows.append([what, allotted, used, rest])
    }
    let uptime = meter.runNanoseconds ?? 0
    let time = uptime == 0 ? "" : ", \(HumanQuantity.seconds(uptime))"
    let end = Verdict(meter).map { ", \($0.name)" } ?? ""
    let age =
      state == .silent
      ? meter.sampled.map { "; CPU times and memory are of \(HumanQuantity.seconds(now.nanoseconds(since: $0))) ago" }
      : nil
    let quota = meter.cpuQuota?.words
    for (index, cpu) in meter.cpus.enumerated() {
      // All share one quota.
      let share = index == 0 ? quota : quota.map { _ in "shared" }
      add(
        "cpu\(index)", share ?? "-", HumanQuantity.seconds(cpu.runNanoseconds),
        Self.throttled(cpu.throttledNanoseconds) + "\(cpu.exits.values.saturatingSum) exits")
    }
    add("devices", "-", HumanQuantity.seconds(meter.deviceNanoseconds))
    if meter.hostThrottledNanoseconds > 0 {
      add("cgroup", "-", "-", "throttled \(HumanQuantity.seconds(meter.hostThrottledNanoseconds)) by the host")
    }
    let most = meter.memoryLimitBytes.map { ", \(ByteSize.format($0)) resident" } ?? ""
    let balloon = meter.balloonTargetBytes == 0 ? "" : ", balloon \(ByteSize.format(meter.balloonTargetBytes)) asked"
    add(
      "memory", ByteSize.format(meter.memoryGivenBytes) + balloon + most,
      state == .silent ? "-" : HumanQuantity.bytes(meter.residentBytes),
      "peak \(HumanQuantity.bytes(meter.residentPeakBytes)), \(HumanQuantity.gibibyteHours(meter.residentByteSeconds))")
    for (index, disk) in meter.disks.enumerated() {
      for (what, transfers) in [("read", disk.read), ("written", disk.written)] {
        let limits = disk.limits.words(.disk) { what == "read" ? $0.countsToGuest : $0.countsFromGuest }
        let slow = transfers.latencies.quantile(0.99).map { ", 99% within \(HumanQuantity.seconds($0))" } ?? ""
        let failures = transfers.failures == 0 ? "" : ", \(transfers.failures) failed"
        add(
          "disk\(index) \(what)", limits, HumanQuantity.bytes(transfers.bytes),
          Self.budget(disk.isBudgetUsedUp) + Self.throttled(transfers.throttledNanoseconds)
            + "\(transfers.requests) requests\(failures)\(slow)")
      }
    }
    for (index, network) in meter.networks.enumerated() {
      for (what, direction) in [("received", network.received), ("sent", network.sent)] {
        let limits = network.limits.words(.network) { what == "received" ? $0.countsToGuest : $0.countsFromGuest }
        let drops = direction.drops == 0 ? "" : ", \(direction.drops) dropped"
        add(
          "net\(index) \(what)", limits, HumanQuantity.bytes(direction.bytes),
          Self.budget(network.isBudgetUsedUp) + Self.throttled(direction.throttledNanoseconds)
            + "\(direction.packets) packets\(drops)")
      }
    }
    add("console", "-", HumanQuantity.bytes(meter.consoleBytes))
    text = "\(name): \(state.rawValue)\(time)\(end)\(age ?? "")\n" + TextTable(["", "ALLOTTED", "USED", ""], rows).text
  }

  private static func budget(_ isUsedUp: Bool) -> String { isUsedUp ? "budget used up, " : "" }

  private static func throttled(_ nanoseconds: UInt64) -> String {
    nanoseconds == 0 ? "" : "throttled \(HumanQuantity.seconds(nanoseconds)), "
  }
}

extension MeterReading {
  /// Bytes that went over the console, both ways.
  var consoleBytes: UInt64 { (console[.output] ?? 0).saturatingAdd(console[.input] ?? 0) }
}

extension CPUQuota {
  /// "10% in 10ms", "10% in 10ms, burst 20ms".
  fileprivate var words: String {
    let burst = burstNanoseconds == 0 ? "" : ", burst \(TimeSpan.format(burstNanoseconds))"
    return "\(Percentage.format(basisPoints)) in \(TimeSpan.format(periodNanoseconds))\(burst)"
  }
}

extension RateLimits {
  /// The limits that a direction has, in words like "20M/s burst 2M"; a dash for none.
  fileprivate func words(_ device: LimitedDevice, _ isMeant: (Quantity) -> Bool) -> String {
    let words = Item.all.compactMap { item -> String? in
      guard let value = self[item] else { return nil }
      switch item {
      case .rate(let quantity):
        guard isMeant(quantity), let burst = limit(quantity)?.burst else { return nil }
        return item.format(value) + (quantity.isOfBytes ? "/s" : " ops/s") + " burst \(item.format(burst))"
      // Beside its rate.
      case .burst: return nil
      case .budget: return item.format(value) + " in all"
      }
    }
    return words.isEmpty ? "-" : words.joined(separator: ", ")
  }
}

extension RateLimits.Quantity {
  fileprivate var countsToGuest: Bool { counts(.toGuest) }
  fileprivate var countsFromGuest: Bool { counts(.fromGuest) }
}
