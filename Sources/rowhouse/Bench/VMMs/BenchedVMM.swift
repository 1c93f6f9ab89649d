/// A virtual machine monitor that the benchmarks know how to start.
enum BenchedVMM: String, CaseIterable {
  /// `rowhouse-vmm` itself, which is what the others are compared with: they too are one process.
  case rowhouse
  /// The least that a program must do to run a guest (Tests/Benchmarks/bare.c): what it takes is KVM's own.
  case bare
  /// The whole command `rowhouse run`, once the kernel has been unpacked.
  case rowhouseRun = "rowhouse-run"
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
    case .rowhouseRun: "rowhouse"
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

  /// Whether its process ends when its guest turns the machine off. Firecracker's goes on (its FAQ, on how to end a
  /// guest), and kvmtool's: on x86 neither has a device for that, and a reset by the keyboard controller ends them.
  var endsAtPowerOff: Bool { self != .firecracker && self != .kvmtool }

  static let names = allCases.map(\.rawValue).joined(separator: ", ")

  /// Those that take part when nobody says who: virtual machine monitors as people use them.
  static let usual = allCases.filter { $0 != .rowhouseRun && $0 != .bare }

  /// Whether it tells what its exits cost, when it is asked to.
  var canTellExits: Bool { self == .rowhouse }

  /// Whether the VMM is a child of the process that is started.
  var isSupervisor: Bool { self == .rowhouseRun }

  /// Whether it is one of Rowhouse's own, whose options are those of `rowhouse run`.
  var isRowhouse: Bool { self == .rowhouse || self == .rowhouseRun }
}
