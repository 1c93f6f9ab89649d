import Machine
import Metering

/// A guest's meter as a person reads it: a line for each thing that is divided.
struct MeterText {
  let text: String

  init(_ name: String, _ state: GuestFolder.State, _ meter: MeterReading) {
    var rows: [[String]] = []
    func add(_ what: String, _ allotted: String, _ used: String, _ rest: String = "") {
      rows.append([what, allotted, used, rest])
    }
    let uptime = meter.runNanoseconds ?? 0
    let time = uptime == 0 ? "" : ", \(HumanQuantity.seconds(uptime))"
    let end = Verdict(meter).map { ", \($0.name)" } ?? ""
    let quota = meter.cpuQuota.map { Percentage.format($0.basisPoints) }
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
    add(
      "memory", ByteSize.format(meter.memoryGivenBytes) + most, HumanQuantity.bytes(meter.residentBytes),
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
    text = "\(name): \(state.rawValue)\(time)\(end)\n" + TextTable(["", "ALLOTTED", "USED", ""], rows).text
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

extension RateLimits {
  /// The limits that a direction has, in words; a dash for none.
  fileprivate func words(_ device: LimitedDevice, _ isMeant: (Quantity) -> Bool) -> String {
    let words = Item.all.compactMap { item -> String? in
      guard let value = self[item] else { return nil }
      switch item {
      case .rate(let quantity):
        return isMeant(quantity) ? item.format(value) + (quantity.isOfBytes ? "/s" : " ops/s") : nil
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
