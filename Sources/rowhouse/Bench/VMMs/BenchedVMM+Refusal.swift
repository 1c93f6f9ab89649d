import Machine

/// What a VMM cannot do, so that it is not measured with a guest that has less than the others'.
extension BenchedVMM {
  /// Why it cannot start a guest, nil when it may.
  func refusal(of guest: BenchedGuest, isELF: Bool) -> String? {
    switch self {
    case .bare where !isELF: "boots ELF kernels only"
    case .bare where guest.initrd != nil || guest.cpus > 1: "has one CPU and takes no initial RAM disk"
    case .kvmtool where isELF: "boots no ELF kernels"
    case .firecracker where !isELF: "boots ELF kernels only"
    default: lack(of: guest).map { "has no \($0) that is known here" }
    }
  }

  /// The first thing asked for that it is not known to have.
  private func lack(of guest: BenchedGuest) -> String? {
    if isRowhouse { return nil }
    let option = guest.otherOptions.first { !options.contains($0.name) }
    if let option { return option.words.joined(separator: " ") }
    for disk in guest.configuration.disks {
      if let feature = DiskFeature.asked(of: disk).first(where: { !diskFeatures.contains($0) }) {
        return "--disk with \(feature.rawValue)"
      }
    }
    for card in guest.configuration.networks {
      if let feature = NetworkFeature.asked(of: card).first(where: { !networkFeatures.contains($0) }) {
        return "--net with \(feature.rawValue)"
      }
    }
    return nil
  }

  /// The options that ``arguments(for:qemuCPU:configuration:)`` has words of it for, beside those that all have.
  private var options: [String] { self == .bare ? [] : ["--disk", "--net", "--entropy"] }

  private var diskFeatures: [DiskFeature] {
    switch self {
    case .qemuMicrovm, .qemuQ35:
      [.readOnly, .serial, .qcow2, .thrownAwayOverlay, .writeThrough, .direct, .uring, .comma]
    case .kvmtool: [.readOnly, .qcow2, .direct]
    case .firecracker: [.readOnly, .uring, .oneAfterTheOther]
    case .cloudHypervisor: [.readOnly, .serial, .qcow2, .direct, .uring]
    case .rowhouse, .rowhouseRun, .bare: []
    }
  }

  private var networkFeatures: [NetworkFeature] {
    switch self {
    case .qemuMicrovm, .qemuQ35, .cloudHypervisor: [.mtu]
    case .kvmtool, .firecracker, .rowhouse, .rowhouseRun, .bare: []
    }
  }
}

/// What a disk may have beside its path, as a person writes it.
private enum DiskFeature: String {
  case readOnly = "readonly"
  case serial
  case qcow2 = "format=qcow2"
  case overlay = "overlay=PATH"
  case thrownAwayOverlay = "overlay"
  case writeThrough = "cache=writethrough"
  case direct
  case uring = "aio=io_uring"
  case oneAfterTheOther = "aio=none"
  case limits
  case comma = "a comma in its path"

  static func asked(of disk: DiskConfiguration) -> [DiskFeature] {
    var features: [DiskFeature] = []
    if disk.isReadOnly { features.append(.readOnly) }
    if disk.serial != nil { features.append(.serial) }
    if disk.format == .qcow2 { features.append(.qcow2) }
    switch disk.overlay {
    case .kept: features.append(.overlay)
    case .thrownAway: features.append(.thrownAwayOverlay)
    case nil: break
    }
    if disk.isWriteThrough { features.append(.writeThrough) }
    if disk.isDirect { features.append(.direct) }
    switch disk.asynchronousIO {
    case .uring: features.append(.uring)
    case .some(.none): features.append(.oneAfterTheOther)
    case nil: break
    }
    if disk.limits != .init() { features.append(.limits) }
    if disk.path.contains(",") { features.append(.comma) }
    return features
  }
}

/// What a network card may have beside a TAP device and an address.
private enum NetworkFeature: String {
  case socket = "socket=PATH"
  case mtu
  case limits

  static func asked(of card: NetworkConfiguration) -> [NetworkFeature] {
    var features: [NetworkFeature] = []
    if case .socket = card.end { features.append(.socket) }
    if card.mtu != nil { features.append(.mtu) }
    if card.limits != .init() { features.append(.limits) }
    return features
  }
}
