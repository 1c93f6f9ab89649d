/// A virtual machine monitor that the benchmarks know how to start.
enum BenchedVMM: String, CaseIterable {
  /// `rowhouse-vmm` itself, which is what the others are compared with: they too are one process.
  case rowhouse
  /// The least that a program must do to run a guest (Tests/Benchmarks/bare.c): what it takes is KVM's own.
  case bare
  /// The whole command `rowhouse run`.
  case rowhouseRun = "rowhouse-run"
  /// The whole command `rowhouse run --unpack`, once the kernel has been unpacked.
  case rowhouseUnpack = "rowhouse-unpack"
  case qemuMicrovm = "qemu-microvm"
  case qemuQ35 = "qemu-q35"
  case kvmtool
  case firecracker
  case cloudHypervisor = "cloud-hypervisor"

  /// The program's file name.
  var program: String {
    switch self {
    case .rowhouse: "rowhouse-vmm"
    case .bare: "bare"
    case .rowhouseRun, .rowhouseUnpack: "rowhouse"
    case .qemuMicrovm, .qemuQ35: "qemu-system-x86_64"
    case .kvmtool: "lkvm"
    case .firecracker: "firecracker"
    case .cloudHypervisor: "cloud-hypervisor"
    }
  }

  /// What has the program say its version in one line; nil: it has none of its own.
  var versionArguments: [String]? {
    switch self {
    case .rowhouse, .bare: nil
    case .kvmtool: ["version"]
    default: ["--version"]
    }
  }

  static let names = allCases.map(\.rawValue).joined(separator: ", ")

  /// Those that take part when nobody says who: virtual machine monitors as people use them.
  static let usual = allCases.filter { !$0.isWholeCommand && $0 != .bare }

  /// Whether it is the program that a person starts, with a place for guests and a ledger.
  var isWholeCommand: Bool { self == .rowhouseRun || self == .rowhouseUnpack }

  /// Whether it tells what its exits cost, when it is asked to.
  var canTellExits: Bool { self == .rowhouse }

  /// Why it cannot start a kernel, nil when it may.
  func refusal(of guest: BenchedGuest, isELF: Bool) -> String? {
    switch self {
    case .rowhouseUnpack where isELF: "unpacks bzImages only"
    case .bare where !isELF: "boots ELF kernels only"
    case .bare where guest.initrd != nil || guest.cpus > 1: "has one CPU and takes no initial RAM disk"
    case .kvmtool where isELF: "boots no ELF kernels"
    case .firecracker where !isELF: "boots ELF kernels only"
    default: nil
    }
  }

  /// The arguments for a guest whose console is the standard output; nothing but what was asked for is in its machine.
  ///
  /// - Parameters:
  ///   - qemuCPU: QEMU's `-cpu`; the others have no choice but the host's.
  ///   - configuration: the path of Firecracker's configuration (``firecrackerConfiguration(of:)``).
  func arguments(for guest: BenchedGuest, qemuCPU: String, configuration: String) -> [String] {
    let cpus = String(guest.cpus)
    let mebibytes = String(guest.memoryBytes >> 20)
    switch self {
    case .rowhouse:
      return ["--kernel", guest.kernel] + Self.option("--initrd", guest.initrd)
        + Self.option("--cmdline", guest.commandLine) + ["--cpus", cpus, "--memory", "\(mebibytes)M"]
    case .bare:
      return [guest.kernel, mebibytes] + (guest.commandLine.map { [$0] } ?? [])
    case .rowhouseRun, .rowhouseUnpack:
      return ["run", guest.kernel] + (self == .rowhouseUnpack ? ["--unpack"] : [])
        + Self.option("--initrd", guest.initrd) + Self.option("--cmdline", guest.commandLine)
        + ["--cpus", cpus, "--memory", "\(mebibytes)M", "--quiet"]
    case .qemuMicrovm, .qemuQ35:
      let machine = self == .qemuMicrovm ? "microvm" : "q35"
      return ["-M", machine, "-accel", "kvm", "-cpu", qemuCPU, "-smp", cpus, "-m", mebibytes]
        + ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]
        + ["-kernel", guest.kernel] + Self.option("-initrd", guest.initrd) + Self.option("-append", guest.commandLine)
    case .kvmtool:
      // Else it puts words of its own before the guest's command line, and shares a folder of the host as its root.
      return ["run", "--nodefaults", "--kernel", guest.kernel] + Self.option("--initrd", guest.initrd)
        + Self.option("--params", guest.commandLine)
        + ["--cpus", cpus, "--mem", mebibytes, "--console", "serial", "--network", "mode=none"]
    case .firecracker:
      // Its log would be on the standard output, where the guest's console is.
      return ["--no-api", "--config-file", configuration, "--log-path", "/dev/null"]
    case .cloudHypervisor:
      return ["--kernel", guest.kernel] + Self.option("--initramfs", guest.initrd)
        + Self.option("--cmdline", guest.commandLine)
        + ["--cpus", "boot=\(cpus)", "--memory", "size=\(mebibytes)M", "--serial", "tty", "--console", "off"]
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

  /// What Firecracker reads from a file, as others read their arguments.
  struct FirecrackerConfiguration: JSONDocument {
    struct BootSource: Encodable {
      let kernelImagePath: String
      let bootArgs: String?
      let initrdPath: String?
    }
    struct MachineConfig: Encodable {
      let vcpuCount: Int
      let memSizeMib: UInt64
    }
    enum CodingKeys: String, CodingKey {
      case bootSource = "boot-source", machineConfig = "machine-config", drives
    }

    let bootSource: BootSource
    let machineConfig: MachineConfig
    let drives: [String] = []

    init(_ guest: BenchedGuest) {
      bootSource = BootSource(
        kernelImagePath: guest.kernel, bootArgs: guest.commandLine, initrdPath: guest.initrd)
      machineConfig = MachineConfig(vcpuCount: guest.cpus, memSizeMib: guest.memoryBytes >> 20)
    }
  }
}

/// What every virtual machine monitor is given alike.
struct BenchedGuest {
  var kernel: String
  var initrd: String?
  var commandLine: String?
  var cpus: Int
  /// Whole MiB.
  var memoryBytes: UInt64
}
