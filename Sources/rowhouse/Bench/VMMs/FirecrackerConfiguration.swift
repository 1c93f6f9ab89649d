import Machine

/// What Firecracker reads from a file, as others read their arguments.
struct FirecrackerConfiguration: JSONDocument {
  struct BootSource: Encodable {
    let kernelImagePath: String
    let bootArgs: String
    let initrdPath: String?
  }
  struct MachineConfig: Encodable {
    let vcpuCount: Int
    let memSizeMib: UInt64
  }
  struct Drive: Encodable {
    let driveId: String
    let pathOnHost: String
    /// A root device would get words in the guest's command line.
    let isRootDevice = false
    let isReadOnly: Bool
    /// Its own usual way forgets what the guest flushes.
    let cacheType = "Writeback"
    let ioEngine: String?
  }
  struct NetworkInterface: Encodable {
    let ifaceId: String
    let hostDevName: String
    let guestMac: String?
  }
  struct Entropy: Encodable {}

  enum CodingKeys: String, CodingKey {
    case bootSource = "boot-source", machineConfig = "machine-config", drives
    case networkInterfaces = "network-interfaces", entropy
  }

  let bootSource: BootSource
  let machineConfig: MachineConfig
  let drives: [Drive]
  let networkInterfaces: [NetworkInterface]?
  let entropy: Entropy?

  init(_ guest: BenchedGuest) {
    // Left out, it would be one of Firecracker's own, which is not empty.
    bootSource = BootSource(
      kernelImagePath: guest.kernel, bootArgs: guest.commandLine ?? "", initrdPath: guest.initrd)
    machineConfig = MachineConfig(vcpuCount: guest.cpus, memSizeMib: guest.mebibytes)
    drives = guest.configuration.disks.enumerated().map { index, disk in
      let engine: String? =
        switch disk.asynchronousIO {
        case .uring: "Async"
        case .some(.none): "Sync"
        case nil: nil
        }
      return Drive(
        driveId: "disk\(index)", pathOnHost: disk.path, isReadOnly: disk.isReadOnly, ioEngine: engine)
    }
    let cards = guest.configuration.networks.enumerated().map { index, card in
      NetworkInterface(ifaceId: "net\(index)", hostDevName: card.tap, guestMac: card.macText)
    }
    networkInterfaces = cards.isEmpty ? nil : cards
    entropy = guest.configuration.hasEntropy ? Entropy() : nil
  }
}
