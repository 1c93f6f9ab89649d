import Machine

/// Each VMM's own words for the same guest.
extension BenchedVMM {
  /// The arguments for a guest whose console is the standard output; nothing but what was asked for is in its machine,
  /// as far as it can be left out.
  ///
  /// - Parameters:
  ///   - guest: one that is not refused (``refusal(of:isELF:)``).
  ///   - qemuCPU: QEMU's `-cpu`; the others have no choice but the host's.
  ///   - configuration: the path of Firecracker's configuration (``FirecrackerConfiguration``).
  func arguments(for guest: BenchedGuest, qemuCPU: String, configuration: String) -> [String] {
    let cpus = String(guest.cpus)
    let mebibytes = String(guest.mebibytes)
    switch self {
    case .rowhouse:
      return guest.configuration.arguments
    case .bare:
      return [guest.kernel, mebibytes] + (guest.commandLine.map { [$0] } ?? [])
    case .rowhouseRun:
      return ["run", guest.kernel] + (guest.isUnpacked.map { [$0 ? "--unpack" : "--no-unpack"] } ?? [])
        + guest.options.flatMap(\.words) + ["--quiet"]
    case .qemuMicrovm, .qemuQ35:
      let machine = self == .qemuMicrovm ? "microvm" : "q35"
      return ["-M", machine, "-accel", "kvm", "-cpu", qemuCPU, "-smp", cpus, "-m", mebibytes]
        + ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]
        + ["-kernel", guest.kernel] + Self.option("-initrd", guest.initrd) + Self.option("-append", guest.commandLine)
        + QEMUDevices(isOnPCI: self == .qemuQ35).arguments(guest.configuration)
    case .kvmtool:
      // Else it puts words of its own before the guest's command line, and shares a folder of the host as its root.
      return ["run", "--nodefaults", "--kernel", guest.kernel] + Self.option("--initrd", guest.initrd)
        + Self.option("--params", guest.commandLine)
        + ["--cpus", cpus, "--mem", mebibytes, "--console", "serial"] + kvmtoolDevices(guest.configuration)
    case .firecracker:
      // Its log would be on the standard output, where the guest's console is.
      return ["--no-api", "--config-file", configuration, "--log-path", "/dev/null"]
    case .cloudHypervisor:
      return ["--kernel", guest.kernel] + Self.option("--initramfs", guest.initrd)
        + Self.option("--cmdline", guest.commandLine)
        + ["--cpus", "boot=\(cpus)", "--memory", "size=\(mebibytes)M", "--serial", "tty", "--console", "off"]
        + cloudHypervisorDevices(guest.configuration)
    }
  }

  /// What has a VMM without marks of its own show on its descriptor 3 what a guest writes to port 0x80.
  var postCodeArguments: [String] {
    switch self {
    case .qemuMicrovm, .qemuQ35:
      return ["-chardev", "file,id=post,path=/proc/self/fd/3", "-device", "isa-debugcon,iobase=0x80,chardev=post"]
    default: return []
    }
  }

  private static func option(_ name: String, _ value: String?) -> [String] { value.map { [name, $0] } ?? [] }

  private func kvmtoolDevices(_ guest: Configuration) -> [String] {
    var arguments = guest.disks.flatMap { disk in
      ["--disk", disk.path + (disk.isReadOnly ? ",ro" : "") + (disk.isDirect ? ",direct" : "")]
    }
    if guest.networks.isEmpty { arguments += ["--network", "mode=none"] }
    for card in guest.networks {
      arguments += ["--network", "mode=tap,tapif=\(card.tap)" + (card.macText.map { ",guest_mac=\($0)" } ?? "")]
    }
    return arguments + (guest.hasEntropy ? ["--rng"] : [])
  }

  private func cloudHypervisorDevices(_ guest: Configuration) -> [String] {
    let disks = guest.disks.map { disk in
      "path=\(disk.path)" + (disk.isReadOnly ? ",readonly=on" : "") + (disk.isDirect ? ",direct=on" : "")
        + (disk.serial.map { ",serial=\($0)" } ?? "")
    }
    let cards = guest.networks.map { card in
      "tap=\(card.tap)" + (card.macText.map { ",mac=\($0)" } ?? "") + (card.mtu.map { ",mtu=\($0)" } ?? "")
    }
    // It has random numbers whether they are asked for or not.
    return (disks.isEmpty ? [] : ["--disk"] + disks) + (cards.isEmpty ? [] : ["--net"] + cards)
  }
}

/// QEMU's virtio devices, on its PCI bus or as the MMIO devices of `microvm`.
private struct QEMUDevices {
  let isOnPCI: Bool

  private var bus: String { isOnPCI ? "pci" : "device" }

  func arguments(_ guest: Configuration) -> [String] {
    var arguments = guest.disks.enumerated().flatMap { drive($1, "disk\($0)") }
    arguments += guest.networks.enumerated().flatMap { card($1, "net\($0)") }
    if guest.hasEntropy {
      arguments += ["-object", "rng-random,id=entropy,filename=/dev/urandom"]
      arguments += ["-device", "virtio-rng-\(bus),rng=entropy"]
    }
    return arguments
  }

  private func drive(_ disk: DiskConfiguration, _ id: String) -> [String] {
    // A comma in a value is written twice.
    let path = disk.path.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    var words = ["if=none", "id=\(id)", "file=\(path)"]
    if let format = disk.format { words.append("format=\(format.rawValue)") }
    if disk.isReadOnly { words.append("readonly=on") }
    if disk.overlay != nil { words.append("snapshot=on") }
    if disk.isWriteThrough { words.append("cache.writeback=off") }
    if disk.isDirect { words.append("cache.direct=on") }
    if disk.asynchronousIO == .uring { words.append("aio=io_uring") }
    let serial = disk.serial.map { ",serial=\($0)" } ?? ""
    return ["-drive", words.joined(separator: ","), "-device", "virtio-blk-\(bus),drive=\(id)\(serial)"]
  }

  private func card(_ card: NetworkConfiguration, _ id: String) -> [String] {
    let address = card.macText.map { ",mac=\($0)" } ?? ""
    let mtu = card.mtu.map { ",host_mtu=\($0)" } ?? ""
    // Else the firmware gets a program from the card, to boot by it.
    let program = isOnPCI ? ",romfile=" : ""
    return [
      "-netdev", "tap,id=\(id),ifname=\(card.tap),script=no,downscript=no", "-device",
      "virtio-net-\(bus),netdev=\(id)\(address)\(mtu)\(program)",
    ]
  }
}

extension NetworkConfiguration {
  /// The TAP device's name; cards at sockets are refused before.
  var tap: String {
    switch end {
    case .tap(let name): name
    case .socket: ""
    }
  }
}
