extension Features {
  /// VIRTIO_NET_F_… (virtio 1.2, 5.1.3).
  static let networkChecksum = Features(bit: 0)
  static let networkGuestChecksum = Features(bit: 1)
  static let networkMTU = Features(bit: 3)
  static let networkMAC = Features(bit: 5)
  static let networkGuestTSO4 = Features(bit: 7)
  static let networkGuestTSO6 = Features(bit: 8)
  static let networkGuestECN = Features(bit: 9)
  static let networkHostTSO4 = Features(bit: 11)
  static let networkHostTSO6 = Features(bit: 12)
  static let networkHostECN = Features(bit: 13)
  static let networkMergedBuffers = Features(bit: 15)
  static let networkStatus = Features(bit: 16)
}

/// What is in front of every packet (virtio 1.2, 5.1.6): which checksum is missing, and how to cut the packet.
struct NetworkHeader: Equatable {
  /// struct virtio_net_hdr with num_buffers, which TAP has in the same layout.
  static let byteCount = 12
  /// From Ethernet's own header to the largest frame that a driver must be able to take: 64 KiB of IP (5.1.6.3.1).
  static let frameBytes = 14...65_550
  static let mostPacketBytes = byteCount + frameBytes.upperBound

  private static let needsChecksum: UInt8 = 1
  private static let isChecked: UInt8 = 2
  private static let congestion: UInt8 = 0x80

  let flags: UInt8
  let segmentation: UInt8

  /// Whether it is larger than what goes over a wire, and will be cut.
  var isCut: Bool { segmentation & ~Self.congestion != 0 }

  /// Whether a driver that has agreed on `features` may send it (5.1.6.2.1). The other fields are for whoever completes
  /// the packet, and no danger: the host's kernel checks them against the packet's length.
  func isAllowed(_ features: Features) -> Bool {
    flags & ~Self.needsChecksum == 0 && (flags == 0 || features.contains(.networkChecksum))
      && (segmentation == 0 || flags != 0)
      && mayBeCut(features, .networkHostTSO4, .networkHostTSO6, .networkHostECN)
  }

  /// What a driver that has agreed on `features` gets of it (5.1.6.4.1); nil when it cannot take such a packet. The
  /// host's kernel says unasked that it has checked a packet, and has some that came while another driver was there.
  func received(_ features: Features) -> NetworkHeader? {
    guard mayBeCut(features, .networkGuestTSO4, .networkGuestTSO6, .networkGuestECN) else { return nil }
    if features.contains(.networkGuestChecksum) {
      return NetworkHeader(flags: flags & (Self.needsChecksum | Self.isChecked), segmentation: segmentation)
    }
    return flags & Self.needsChecksum == 0 ? NetworkHeader(flags: 0, segmentation: segmentation) : nil
  }

  /// Whether the packet is whole, or to be cut in a way that is among `features`.
  private func mayBeCut(_ features: Features, _ tso4: Features, _ tso6: Features, _ ecn: Features) -> Bool {
    guard segmentation & Self.congestion == 0 || features.contains(ecn) else { return false }
    switch segmentation & ~Self.congestion {
    case 0: return segmentation == 0
    case 1: return features.contains(tso4)
    case 4: return features.contains(tso6)
    default: return false
    }
  }
}
