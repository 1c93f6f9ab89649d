/// How a machine is divided, for programs. Shares of CPUs are in hundredths of a per cent of one CPU.
struct HostDocument: JSONDocument {
  struct Guest: Encodable {
    let name: String
    let state: GuestFolder.State
    /// By the vCPUs; with --cgroup and a quota, which holds all of the VMM then, by that. Nil: the VMM is silent.
    let cpuAllottedBasisPoints: UInt64
    let cpuUsedBasisPoints: UInt64?
    /// By the VMM beside its vCPUs; nil: it is in the figure above, or the VMM is silent.
    let deviceUsedBasisPoints: UInt64?
    /// What it was promised; what is resident of it is nil where the VMM is silent.
    let memoryAllottedBytes: UInt64
    let memoryResidentBytes: UInt64?
    /// Nil: it has no such device.
    let disk: Flow?
    let network: Flow?

    init(_ guest: HostDivision.Guest) {
      name = guest.name
      state = guest.state
      cpuAllottedBasisPoints = guest.cpu.allotted
      cpuUsedBasisPoints = guest.cpu.used
      deviceUsedBasisPoints = guest.devices
      memoryAllottedBytes = guest.memory.allotted
      memoryResidentBytes = guest.memory.used
      disk = guest.disk.map(Flow.init)
      network = guest.network.map(Flow.init)
    }
  }

  /// All of a guest's disks or cards, both ways together.
  struct Flow: Encodable {
    /// none, partial (of one direction, of operations, or of one device of several), or bytes.
    let limit: String
    /// Only with `limit` bytes.
    let allottedBytesPerSecond: UInt64?
    let usedBytesPerSecond: UInt64

    init(_ flow: HostDivision.Flow) {
      switch flow.limit {
      case .none: (limit, allottedBytesPerSecond) = ("none", nil)
      case .partial: (limit, allottedBytesPerSecond) = ("partial", nil)
      case .bytes(let bytes): (limit, allottedBytesPerSecond) = ("bytes", bytes)
      }
      usedBytesPerSecond = flow.used
    }
  }

  /// CPUs that guests of this shell may run on, and what they may use of those together.
  let cpus: Int
  let cpuBasisPoints: UInt64
  /// What makes it less than the machine has: a file of a control group, or "CPU affinity".
  let cpuLimitedBy: String?
  let memoryBytes: UInt64
  let memoryLimitedBy: String?
  /// What guests may be promised together.
  let memoryBudgetBytes: UInt64
  /// By all programs of the machine, or of the control group that has the limit; nil: nobody knows.
  let cpuInUseBasisPoints: UInt64?
  let memoryInUseBytes: UInt64?
  let guests: [Guest]

  init(_ division: HostDivision) {
    cpus = division.limits.cpuCount
    cpuBasisPoints = division.limits.cpuBasisPoints
    cpuLimitedBy = division.limits.cpuLimiter
    memoryBytes = division.limits.memoryBytes
    memoryLimitedBy = division.limits.memoryGroup?.path
    memoryBudgetBytes = division.budget.bytes
    cpuInUseBasisPoints = division.inUse.cpu
    memoryInUseBytes = division.inUse.memory
    guests = division.guests.map(Guest.init)
  }
}
