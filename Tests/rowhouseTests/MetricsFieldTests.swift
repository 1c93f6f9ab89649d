import Host
import Testing

@testable import Metering
@testable import rowhouse

/// Each field of the meter page is in the metrics: another figure in its place changes just the families that are named
/// here. A field that is new in `MeterLayout` has no place in the `switch` that names them, and does not compile.
@Suite("Every field of the meter page in the metrics")
struct MetricsFieldTests {
  /// Families by their name without "rowhouse_guest_"; none for what is no figure.
  private typealias Families = Set<String>

  private static func families(_ field: MeterLayout.Guest) -> Families {
    switch field {
    // How the page is laid out. How many disks and cards there are is how many have series.
    case .magic, .version, .byteCount, .cpus, .disks, .networks, .diskCount, .networkCount: []
    case .run, .process: [""]
    case .verdict: ["verdict"]
    // The state is given beside the meter: it also says whether the VMM lives.
    case .state: []
    case .cpuCount: ["cpus"]
    case .started: ["start_time_seconds", "phase_time_seconds"]
    case .memory: ["memory_allotted_bytes", "balloon_bytes"]
    case .memoryLimit: ["memory_resident_limit_bytes"]
    case .balloonTarget: ["balloon_target_bytes"]
    case .cpuQuota: ["cpu_quota_ratio"]
    case .cpuPeriod: ["cpu_quota_ratio", "cpu_period_seconds"]
    case .cpuBurst: ["cpu_burst_seconds"]
    // The wall clock's time of the same moment says it.
    case .sampled: []
    case .sampledSince1970: ["sample_time_seconds"]
    case .deviceTime: ["device_cpu_seconds"]
    case .memoryGiven: ["memory_bytes", "balloon_bytes"]
    case .resident: ["memory_resident_bytes"]
    case .residentPeak: ["memory_resident_peak_bytes"]
    case .residentSeconds: ["memory_resident_byte_seconds"]
    case .console: ["console_bytes"]
    case .hostThrottled: ["host_throttled_seconds"]
    case .viewers: ["console_viewers"]
    case .phases: ["phase_time_seconds"]
    case .markCount: ["marks"]
    // Moments of their own, not a figure that goes up and down.
    case .marks: []
    }
  }

  private static func families(_ field: MeterLayout.CPU) -> Families {
    switch field {
    case .exits: ["exits"]
    case .timeRun: ["cpu_seconds"]
    case .timeThrottled: ["cpu_throttled_seconds"]
    }
  }

  private static func families(_ field: MeterLayout.Disk) -> Families {
    switch field {
    // Each begins with its first field; the others are below.
    case .read, .written: families(MeterLayout.Transfers.bytes)
    case .flushes: ["disk_flushes"]
    case .discards: ["disk_discards"]
    case .limits:
      [
        "disk_limit_bytes_per_second", "disk_burst_bytes", "disk_limit_requests_per_second", "disk_burst_requests",
      ]
    case .budget: ["disk_budget_bytes"]
    case .budgetUsedUp: ["disk_budget_used_up"]
    }
  }

  private static func families(_ field: MeterLayout.Transfers) -> Families {
    switch field {
    case .bytes: ["disk_bytes"]
    case .requests: ["disk_requests"]
    case .failures: ["disk_failures"]
    case .timeThrottled: ["disk_throttled_seconds"]
    case .latencySum, .latencies: ["disk_latency_seconds"]
    }
  }

  private static func families(_ field: MeterLayout.Network) -> Families {
    switch field {
    case .received, .sent: families(MeterLayout.Packets.bytes)
    case .limits:
      [
        "network_limit_bytes_per_second", "network_burst_bytes", "network_limit_packets_per_second",
        "network_burst_packets",
      ]
    case .budget: ["network_budget_bytes"]
    case .budgetUsedUp: ["network_budget_used_up"]
    }
  }

  private static func families(_ field: MeterLayout.Packets) -> Families {
    switch field {
    case .bytes: ["network_bytes"]
    case .packets: ["network_packets"]
    case .drops: ["network_drops"]
    case .timeThrottled: ["network_throttled_seconds"]
    }
  }

  /// Where the page's fields are, how many words each has, and the families that show them.
  private static let fields: [(name: String, offset: Int, words: Int, families: Families)] = {
    let shape = MeterShape(cpuCount: 2, diskCount: 1, networkCount: 1)
    var fields: [(name: String, offset: Int, words: Int, families: Families)] = []
    func add<Field: CaseIterable & RawRepresentable<Int>>(
      _: Field.Type, at start: Int, words: [String: Int] = [:], _ families: (Field) -> Families
    ) {
      for field in Field.allCases {
        fields.append(
          ("\(Field.self).\(field)", start + field.rawValue, words["\(field)"] ?? 1, families(field)))
      }
    }
    let limitWords = RateLimits.Quantity.allCases.count * MeterLayout.limitStride / 8
    add(
      MeterLayout.Guest.self, at: 0,
      words: ["run": 2, "console": ConsoleCounter.allCases.count, "phases": Phase.allCases.count], families)
    for cpu in 0..<2 {
      add(
        MeterLayout.CPU.self, at: shape.cpus + cpu * MeterLayout.cpuStride, words: ["exits": ExitReason.allCases.count],
        families)
    }
    add(MeterLayout.Disk.self, at: shape.disks, words: ["limits": limitWords], families)
    for side in [MeterLayout.Disk.read, .written] {
      add(
        MeterLayout.Transfers.self, at: shape.disks + side.rawValue, words: ["latencies": LatencyHistogram.bucketCount],
        families)
    }
    add(MeterLayout.Network.self, at: shape.networks, words: ["limits": limitWords], families)
    for side in [MeterLayout.Network.received, .sent] {
      add(MeterLayout.Packets.self, at: shape.networks + side.rawValue, families)
    }
    return fields
  }()

  /// A page on which every figure is there, and none stands at its end.
  private static func page() throws -> [UInt8] {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)),
      MeterShape(cpuCount: 2, diskCount: 1, networkCount: 1), memoryBytes: 1 << 30, process: 9)
    var bytes = try file.descriptor.read(count: page.shape.byteCount, at: 0)
    for (_, offset, words, families) in fields where !families.isEmpty {
      for word in 0..<words { set(&bytes, offset + 8 * word, to: UInt64(1000 + offset + 8 * word)) }
    }
    set(&bytes, MeterLayout.Guest.cpuCount.rawValue, to: 2)
    set(&bytes, MeterLayout.Guest.memory.rawValue, to: 1 << 30)
    set(&bytes, MeterLayout.Guest.verdict.rawValue, to: 1)
    set(&bytes, MeterLayout.Guest.sampled.rawValue, to: 10_000)
    return bytes
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func set(_ bytes: inout [UInt8], _ offset: Int, to value: UInt64) {
    for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
  }

  /// What each family says, by its name.
  private static func metrics(_ bytes: [UInt8], _ state: GuestFolder.State = .running) throws -> [String: [Substring]] {
    var metrics = GuestMetrics()
    metrics.add("one", state, try #require(MeterReading(bytes)))
    var families: [String: [Substring]] = [:]
    var name = ""
    for line in metrics.text(.openmetrics).split(separator: "\n") {
      if let match = try /# TYPE rowhouse_guest_?(\S*) .*/.wholeMatch(in: line) {
        name = String(match.1)
      } else if !line.hasPrefix("#") {
        families[name, default: []].append(line)
      }
    }
    return families
  }

  @Test func changesWhatIsNamed() throws {
    let page = try Self.page()
    let before = try Self.metrics(page)
    // How the guest is is said beside the meter.
    #expect(
      Set(before.keys) == Self.fields.reduce(into: ["up", "state"]) { $0.formUnion($1.families) }, "families of no field")
    // Those say where the rest is.
    let shapes = ["Guest.cpuCount", "Guest.networkCount"]
    for (name, offset, words, families) in Self.fields where !shapes.contains(name) {
      var changed: Families = []
      for word in 0..<words {
        let place = offset + 8 * word
        var bytes = page
        // A verdict is one of a few, and a flag is there or not; of anything else twice as much is enough to be seen.
        let value = Self.word(page, place)
        Self.set(&bytes, place, to: name == "Guest.verdict" ? 2 : name.hasSuffix("UsedUp") ? 0 : 2 * value)
        guard let after = MeterReading(bytes).map({ _ in bytes }).flatMap({ try? Self.metrics($0) }) else {
          #expect(families.isEmpty, "\(name) makes this no meter")
          continue
        }
        let new = Set(before.keys.filter { before[$0] != after[$0] })
        #expect(new.isSubset(of: families), "\(name), word \(word)")
        #expect(!new.isEmpty || families.isEmpty, "\(name), word \(word), is nowhere to be seen")
        changed.formUnion(new)
      }
      #expect(changed.isSuperset(of: families), "\(name)")
    }
  }

  @Test("Of a guest that is no more there is nothing that could be summed up to what guests have")
  func whatIsOver() throws {
    let page = try Self.page()
    let (live, ended) = (try Self.metrics(page), try Self.metrics(page, .ended))
    #expect(try Set(Self.metrics(page, .crashed).keys) == Set(ended.keys))
    #expect(try Set(Self.metrics(page, .silent).keys) == Set(live.keys))
    let counters: Families = [
      "phase_time_seconds", "start_time_seconds", "sample_time_seconds", "", "up", "state", "verdict", "marks", "exits",
      "cpu_seconds", "cpu_throttled_seconds", "host_throttled_seconds", "device_cpu_seconds", "console_bytes",
      "memory_resident_byte_seconds", "disk_bytes", "disk_requests", "disk_failures", "disk_flushes", "disk_discards",
      "disk_throttled_seconds", "disk_latency_seconds", "network_bytes", "network_packets", "network_drops",
      "network_throttled_seconds",
    ]
    #expect(Set(ended.keys) == counters)
    for family in counters.subtracting(["up", "state"]) { #expect(ended[family] == live[family]) }
  }

  @Test("States and verdicts are series of their own, of which at most one is 1; a pause makes no new ones")
  func states() throws {
    let page = try Self.page()
    func series(_ state: GuestFolder.State, _ family: String) throws -> [Substring: Substring] {
      let samples = try #require(try Self.metrics(page, state)[family]).map { $0.split(separator: " ") }
      return Dictionary(uniqueKeysWithValues: samples.map { ($0[0], $0[1]) })
    }
    for state in GuestFolder.State.allCases {
      let states = try series(state, "state")
      #expect(Set(states.keys) == (try Set(series(.running, "state").keys)) && states.count == 7)
      #expect(states.filter { $0.value == "1" }.map(\.key) == [
        "rowhouse_guest_state{guest=\"one\",rowhouse_guest_state=\"\(state.rawValue)\"}"
      ])
      let up = ["starting", "running", "paused"].contains(state.rawValue) ? "1" : "0"
      #expect(try series(state, "up").values.first == Substring(up))
      #expect(try series(state, "") == series(.running, ""))
    }
    let verdicts = try series(.ended, "verdict")
    #expect(verdicts.count == 12 && verdicts.values.count { $0 == "1" } == 1)
    #expect(verdicts["rowhouse_guest_verdict{guest=\"one\",rowhouse_guest_verdict=\"poweroff\"}"] == "1")
  }

  /// The number of vCPUs gives the page its shape, so a page with another number is another page.
  @Test func countsCPUs() throws {
    for count in [1, 3] {
      let file = SharedDescriptor(try .memory(named: "meter"))
      _ = try MeterPage(
        in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: count), memoryBytes: 1 << 30,
        process: 9)
      let metrics = try Self.metrics(try file.descriptor.read(count: 1 << 16, at: 0))
      #expect(metrics["cpus"] == ["rowhouse_guest_cpus{guest=\"one\"} \(count)"])
    }
  }
}
