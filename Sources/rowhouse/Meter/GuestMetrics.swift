import Host
import Machine
import Metering

/// The meters of all guests that run, and of those that have ended and whose folders are there, as metrics.
struct GuestMetrics {
  private var info = Exposition.Family("rowhouse_guest", .info, "A guest and how it is.")
  private var started = Exposition.Family(
    "rowhouse_guest_start_time_seconds", .gauge, unit: "seconds", "When the guest's VMM was started, since 1970-01-01.")
  private var quota = Exposition.Family(
    "rowhouse_guest_cpu_quota_ratio", .gauge, unit: "ratio", "CPUs that the guest's vCPUs may use together.")
  private var cpu = Exposition.Family(
    "rowhouse_guest_cpu_seconds", .counter, unit: "seconds", "CPU time of a vCPU's thread.")
  private var throttled = Exposition.Family(
    "rowhouse_guest_cpu_throttled_seconds", .counter, unit: "seconds", "Time in which a vCPU had used its quota.")
  private var device = Exposition.Family(
    "rowhouse_guest_device_cpu_seconds", .counter, unit: "seconds", "CPU time of the thread that serves the devices.")
  private var exits = Exposition.Family("rowhouse_guest_exits", .counter, "Exits of the vCPUs, by reason.")
  private var memory = Exposition.Family(
    "rowhouse_guest_memory_bytes", .gauge, unit: "bytes", "Memory that the guest has, without what its balloon took.")
  private var resident = Exposition.Family(
    "rowhouse_guest_memory_resident_bytes", .gauge, unit: "bytes", "Memory of the guest and its VMM in the host's RAM.")
  private var peak = Exposition.Family(
    "rowhouse_guest_memory_resident_peak_bytes", .gauge, unit: "bytes", "The most that was in the host's RAM.")
  private var memoryTime = Exposition.Family(
    "rowhouse_guest_memory_resident_byte_seconds", .counter, unit: "byte_seconds", "Resident memory summed over time.")
  private var diskBytes = Exposition.Family(
    "rowhouse_guest_disk_bytes", .counter, unit: "bytes", "Bytes that requests to a disk have moved.")
  private var diskRequests = Exposition.Family(
    "rowhouse_guest_disk_requests", .counter, unit: "requests", "Requests to a disk that were done.")
  private var diskFailures = Exposition.Family(
    "rowhouse_guest_disk_failures", .counter, unit: "failures", "Requests to a disk that were not done.")
  private var diskFlushes = Exposition.Family(
    "rowhouse_guest_disk_flushes", .counter, unit: "flushes", "Flushes of a disk.")
  private var diskThrottled = Exposition.Family(
    "rowhouse_guest_disk_throttled_seconds", .counter, unit: "seconds", "Time in which a disk's requests waited.")
  private var diskLatency = Exposition.Family(
    "rowhouse_guest_disk_latency_seconds", .summary, unit: "seconds", "From a disk's request being taken to its answer.")
  private var networkBytes = Exposition.Family(
    "rowhouse_guest_network_bytes", .counter, unit: "bytes", "Bytes that went through a network card.")
  private var networkPackets = Exposition.Family(
    "rowhouse_guest_network_packets", .counter, unit: "packets", "Packets that went through a network card.")
  private var networkDrops = Exposition.Family(
    "rowhouse_guest_network_drops", .counter, unit: "drops", "Packets that a network card lost.")
  private var networkThrottled = Exposition.Family(
    "rowhouse_guest_network_throttled_seconds", .counter, unit: "seconds", "Time in which a card's packets waited.")
  private var console = Exposition.Family(
    "rowhouse_guest_console_bytes", .counter, unit: "bytes", "Bytes that went over the console.")

  init(_ street: Street) throws(HostError) {
    let folders = try street.guests()
    folders.refreshMeters()
    for folder in folders {
      guard let look = try? folder.look(), let meter = look.meter else { continue }
      folder.settleIfPossible(look)
      add(folder.name.description, look.state, meter)
    }
  }

  init() {}

  mutating func add(_ name: String, _ state: GuestFolder.State, _ meter: MeterReading) {
    let guest = [("guest", name)]
    info.add(1, guest + [("run", meter.run), ("state", state.rawValue), ("verdict", Verdict(meter)?.name ?? "")])
    started.add(nanoseconds: meter.startedSince1970, guest)
    if let share = meter.cpuQuota { quota.add(nanoseconds: share.basisPoints.saturatingTimes(100_000), guest) }
    for (index, figures) in meter.cpus.enumerated() {
      let labels = guest + [("cpu", String(index))]
      cpu.add(nanoseconds: figures.runNanoseconds, labels)
      throttled.add(nanoseconds: figures.throttledNanoseconds, labels)
    }
    for reason in ExitReason.allCases { exits.add(meter.exits[reason] ?? 0, guest + [("reason", reason.name)]) }
    device.add(nanoseconds: meter.deviceNanoseconds, guest)
    memory.add(meter.memoryGivenBytes, guest)
    resident.add(meter.residentBytes, guest)
    peak.add(meter.residentPeakBytes, guest)
    memoryTime.add(meter.residentByteSeconds, guest)
    for (index, disk) in meter.disks.enumerated() {
      let labels = guest + [("disk", String(index))]
      diskFlushes.add(disk.flushes, labels)
      for (direction, transfers) in [("read", disk.read), ("write", disk.written)] {
        let labels = labels + [("direction", direction)]
        diskBytes.add(transfers.bytes, labels)
        diskRequests.add(transfers.requests, labels)
        diskFailures.add(transfers.failures, labels)
        diskThrottled.add(nanoseconds: transfers.throttledNanoseconds, labels)
        diskLatency.add(count: transfers.requests, nanoseconds: transfers.latencyNanoseconds, labels)
      }
    }
    for (index, network) in meter.networks.enumerated() {
      for (direction, packets) in [("receive", network.received), ("send", network.sent)] {
        let labels = guest + [("card", String(index)), ("direction", direction)]
        networkBytes.add(packets.bytes, labels)
        networkPackets.add(packets.packets, labels)
        networkDrops.add(packets.drops, labels)
        networkThrottled.add(nanoseconds: packets.throttledNanoseconds, labels)
      }
    }
    for (direction, counter) in [("output", ConsoleCounter.output), ("input", .input), ("dropped", .dropped)] {
      console.add(meter.console[counter] ?? 0, guest + [("direction", direction)])
    }
  }

  func text(_ format: Exposition.Format) -> String {
    Exposition(families: [
      info, started, quota, cpu, throttled, device, exits, memory, resident, peak, memoryTime, diskBytes, diskRequests,
      diskFailures, diskFlushes, diskThrottled, diskLatency, networkBytes, networkPackets, networkDrops, networkThrottled, console,
    ]).text(format)
  }
}
