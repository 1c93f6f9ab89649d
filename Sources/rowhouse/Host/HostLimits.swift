import Host
import Machine

/// What of this machine this process, and guests that it would start, can have.
struct HostLimits {
  /// CPUs that threads may run on, of those that there are.
  let cpuCount: Int
  let hostCPUCount: Int
  /// The control groups' limit, where that is less than all of these CPUs.
  let cpuGroup: ControlGroupCPU?
  let hostMemoryBytes: UInt64
  /// The control groups' limit, where that is less than what the machine has.
  let memoryGroup: ControlGroupMemory?

  init(
    cpuCount: Int = max(1, HostCPU.allowed.count), of hostCPUCount: Int = HostCPU.count,
    cpuGroup: ControlGroupCPU? = ControlGroupCPU(), memoryBytes: UInt64 = HostMemory.bytes,
    memoryGroup: ControlGroupMemory? = ControlGroupMemory()
  ) {
    self.cpuCount = cpuCount
    self.hostCPUCount = hostCPUCount
    self.cpuGroup = cpuGroup.flatMap { $0.basisPoints < UInt64(cpuCount) * 10_000 ? $0 : nil }
    hostMemoryBytes = memoryBytes
    self.memoryGroup = memoryGroup.flatMap { $0.bytes < memoryBytes ? $0 : nil }
  }

  /// Hundredths of a per cent of one CPU.
  var cpuBasisPoints: UInt64 { cpuGroup?.basisPoints ?? UInt64(cpuCount) * 10_000 }
  var memoryBytes: UInt64 { memoryGroup?.bytes ?? hostMemoryBytes }

  /// What makes it less than what there is; nil: nothing.
  var cpuLimiter: String? { cpuGroup?.path ?? (cpuCount < hostCPUCount ? "CPU affinity" : nil) }

  /// "2 CPUs and 23.6 GiB of memory", "150% of 2 CPUs (by /sys/fs/cgroup/box/cpu.max) and …".
  var text: String {
    func cpus(_ count: Int) -> String { "\(count) CPU\(count == 1 ? "" : "s")" }
    let share = cpuGroup.map { "\(Percentage.format($0.basisPoints)) of " } ?? ""
    let cpu = share.isEmpty && cpuCount < hostCPUCount ? "\(cpuCount) of \(cpus(hostCPUCount))" : share + cpus(cpuCount)
    func by(_ limiter: String?) -> String { limiter.map { " (by \($0))" } ?? "" }
    return "\(cpu)\(by(cpuLimiter)) and \(HumanQuantity.bytes(memoryBytes)) of memory\(by(memoryGroup?.path))"
  }
}
