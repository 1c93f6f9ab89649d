/// How a machine is divided, for programs. Shares of CPUs are in hundredths of a per cent of one CPU.
struct HostDocument: JSONDocument {
  struct Guest: Encodable {
    let name: String
    let cpuAllottedBasisPoints: UInt64
    let cpuUsedBasisPoints: UInt64
    let memoryAllottedBytes: UInt64
    let memoryResidentBytes: UInt64
    /// Nil: it has no such device.
    let disk: Flow?
    let network: Flow?

    init(_ guest: HostDivision.Guest) {
      name = guest.name
      cpuAllottedBasisPoints = guest.cpu.allotted
      cpuUsedBasisPoints = guest.cpu.used
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

  let cpus: Int
  let memoryBytes: UInt64
  /// By all programs of the machine; nil: it does not say.
  let cpuInUseBasisPoints: UInt64?
  let memoryInUseBytes: UInt64?
  let guests: [Guest]

  init(_ division: HostDivision) {
    cpus = division.cpuCount
    memoryBytes = division.memoryBytes
    cpuInUseBasisPoints = division.inUse?.cpu
    memoryInUseBytes = division.inUse?.memory
    guests = division.guests.map(Guest.init)
  }
}
