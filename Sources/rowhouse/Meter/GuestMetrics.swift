import Host
import Machine
import Metering

/// The meters of all guests that run, and of those that have ended and whose folders are there, as metrics: all that
/// their pages say (docs/meter.md). A guest that has ended has nothing any more: of its gauges only times are left.
struct GuestMetrics {
  private var info = Exposition.Family("rowhouse_guest", .info, "A run of a guest, and its VMM's process.")
  private var up = Exposition.Family(
    "rowhouse_guest_up", .gauge, "1 when the guest's VMM is there and answers; else what it sampled is old.")
  private var state = Exposition.Family("rowhouse_guest_state", .stateset, "How the guest is.")
  private var verdict = Exposition.Family("rowhouse_guest_verdict", .stateset, "How the guest has ended.")
  private var started = Exposition.Family(
    "rowhouse_guest_start_time_seconds", .gauge, unit: "seconds", "When the guest's VMM was started, since 1970-01-01.")
  private var phases = Exposition.Family(
    "rowhouse_guest_phase_time_seconds", .gauge, unit: "seconds", "When the guest reached a phase, since 1970-01-01.")
  private var sampled = Exposition.Family(
    "rowhouse_guest_sample_time_seconds", .gauge, unit: "seconds",
    "When CPU times and memory were looked at, since 1970-01-01.")
  private var marks = Exposition.Family("rowhouse_guest_marks", .counter, "Marks that the guest has set.")
  private var cpus = CPUMetrics()
  private var memory = MemoryMetrics()
  private var disks = DiskMetrics()
  private var networks = NetworkMetrics()
  private var console = Exposition.Family(
    "rowhouse_guest_console_bytes", .counter, unit: "bytes", "Bytes that went over the console.")
  private var viewers = Exposition.Family("rowhouse_guest_console_viewers", .gauge, "Viewers of the console.")

  init(_ street: Street) throws(HostError) {
    let folders = try street.guests()
    for (folder, look) in zip(folders, folders.freshLooks()) {
      if let look {
        folder.settleIfPossible(look)
        if let meter = look.meter { add(folder.name.description, look.state, meter) }
      } else if folder.isAlive {
        add(.unknown, [("guest", folder.name.description)])
      }
    }
  }

  init() {}

  private mutating func add(_ state: GuestFolder.State, _ guest: [(String, String)]) {
    up.add([.starting, .running, .paused].contains(state) ? 1 : 0, guest)
    self.state.add(state.rawValue, of: GuestFolder.State.allCases.map(\.rawValue), guest)
  }

  mutating func add(_ name: String, _ state: GuestFolder.State, _ meter: MeterReading) {
    let guest = [("guest", name)]
    let isOver = state.isOver
    info.add(1, guest + [("run", meter.run), ("process", String(meter.process))])
    add(state, guest)
    verdict.add(Verdict(meter)?.name, of: Verdict.names, guest)
    started.add(nanoseconds: meter.startedSince1970, guest)
    for phase in Phase.allCases {
      guard let time = meter.phases[phase].flatMap(meter.nanosecondsSince1970) else { continue }
      phases.add(nanoseconds: time, guest + [("phase", phase.name)])
    }
    if let time = meter.sampled.flatMap(meter.nanosecondsSince1970) { sampled.add(nanoseconds: time, guest) }
    marks.add(meter.markCount, guest)
    cpus.add(meter, isOver: isOver, guest)
    memory.add(meter, isOver: isOver, guest)
    for (index, disk) in meter.disks.enumerated() {
      disks.add(disk, isOver: isOver, guest + [("disk", String(index))])
    }
    for (index, network) in meter.networks.enumerated() {
      networks.add(network, isOver: isOver, guest + [("card", String(index))])
    }
    for (direction, counter) in [("output", ConsoleCounter.output), ("input", .input), ("dropped", .dropped)] {
      console.add(meter.console[counter] ?? 0, guest + [("direction", direction)])
    }
    if !isOver { viewers.add(meter.viewers, guest) }
  }

  func text(_ format: Exposition.Format) -> String {
    let families = [info, up, state, verdict, started, phases, sampled, marks] + cpus.families + memory.families + disks.families
    return Exposition(families + networks.families + [console, viewers]).text(format)
  }
}

extension Verdict {
  /// Of all that there are.
  fileprivate static var names: [String] {
    let verdicts = sequence(first: 1 as UInt32) { $0 + 1 }.lazy.map { Verdict(code: $0, value: 0) }
    return verdicts.prefix { $0 != nil }.compactMap { $0?.name }
  }
}

/// What vCPUs and the rest of the VMM may use of the host's CPUs, and do.
private struct CPUMetrics {
  private var count = Exposition.Family("rowhouse_guest_cpus", .gauge, "The guest's vCPUs.")
  private var quota = Exposition.Family(
    "rowhouse_guest_cpu_quota_ratio", .gauge, unit: "ratio", "CPUs that the guest's vCPUs may use together.")
  private var period = Exposition.Family(
    "rowhouse_guest_cpu_period_seconds", .gauge, unit: "seconds", "The time in which the quota is kept.")
  private var burst = Exposition.Family(
    "rowhouse_guest_cpu_burst_seconds", .gauge, unit: "seconds", "CPU time that may be saved up beyond a period's.")
  private var run = Exposition.Family(
    "rowhouse_guest_cpu_seconds", .counter, unit: "seconds", "CPU time of a vCPU's thread.")
  private var throttled = Exposition.Family(
    "rowhouse_guest_cpu_throttled_seconds", .counter, unit: "seconds", "Time in which a vCPU had used its quota.")
  private var hostThrottled = Exposition.Family(
    "rowhouse_guest_host_throttled_seconds", .counter, unit: "seconds",
    "Time in which the host's control group held the VMM back, summed over the host's CPUs.")
  private var exits = Exposition.Family("rowhouse_guest_exits", .counter, "Exits of a vCPU, by reason.")
  private var device = Exposition.Family(
    "rowhouse_guest_device_cpu_seconds", .counter, unit: "seconds", "CPU time of the VMM without its vCPUs.")

  var families: [Exposition.Family] { [count, quota, period, burst, run, throttled, hostThrottled, exits, device] }

  mutating func add(_ meter: MeterReading, isOver: Bool, _ guest: [(String, String)]) {
    if !isOver { count.add(UInt64(meter.cpus.count), guest) }
    if let share = meter.cpuQuota, !isOver {
      quota.add(nanoseconds: share.basisPoints.saturatingTimes(100_000), guest)
      period.add(nanoseconds: share.periodNanoseconds, guest)
      burst.add(nanoseconds: share.burstNanoseconds, guest)
    }
    for (index, cpu) in meter.cpus.enumerated() {
      let labels = guest + [("cpu", String(index))]
      run.add(nanoseconds: cpu.runNanoseconds, labels)
      throttled.add(nanoseconds: cpu.throttledNanoseconds, labels)
      for reason in ExitReason.allCases { exits.add(cpu.exits[reason] ?? 0, labels + [("reason", reason.name)]) }
    }
    hostThrottled.add(nanoseconds: meter.hostThrottledNanoseconds, guest)
    device.add(nanoseconds: meter.deviceNanoseconds, guest)
  }
}

/// What a guest has of memory, and what of it is in the host's.
private struct MemoryMetrics {
  private var allotted = Exposition.Family(
    "rowhouse_guest_memory_allotted_bytes", .gauge, unit: "bytes", "Memory that the guest was started with.")
  private var given = Exposition.Family(
    "rowhouse_guest_memory_bytes", .gauge, unit: "bytes", "Memory that the guest has, without what its balloon took.")
  private var balloon = Exposition.Family(
    "rowhouse_guest_balloon_bytes", .gauge, unit: "bytes", "Memory that the guest has given up to its balloon.")
  private var target = Exposition.Family(
    "rowhouse_guest_balloon_target_bytes", .gauge, unit: "bytes", "Memory that the guest shall give up.")
  private var limit = Exposition.Family(
    "rowhouse_guest_memory_resident_limit_bytes", .gauge, unit: "bytes", "The most that shall be in the host's RAM.")
  private var resident = Exposition.Family(
    "rowhouse_guest_memory_resident_bytes", .gauge, unit: "bytes", "Memory of the guest and its VMM in the host's RAM.")
  private var peak = Exposition.Family(
    "rowhouse_guest_memory_resident_peak_bytes", .gauge, unit: "bytes", "The most that was in the host's RAM.")
  private var time = Exposition.Family(
    "rowhouse_guest_memory_resident_byte_seconds", .counter, unit: "byte_seconds", "Resident memory summed over time.")

  var families: [Exposition.Family] { [allotted, given, balloon, target, limit, resident, peak, time] }

  mutating func add(_ meter: MeterReading, isOver: Bool, _ guest: [(String, String)]) {
    time.add(meter.residentByteSeconds, guest)
    if isOver { return }
    allotted.add(meter.memoryBytes, guest)
    given.add(meter.memoryGivenBytes, guest)
    balloon.add(meter.memoryBytes.saturatingSubtract(meter.memoryGivenBytes), guest)
    target.add(meter.balloonTargetBytes, guest)
    if let bytes = meter.memoryLimitBytes { limit.add(bytes, guest) }
    resident.add(meter.residentBytes, guest)
    peak.add(meter.residentPeakBytes, guest)
  }
}
