/// What an L2 table entry says about a guest cluster (qcow2 specification, "L2 table entry").
enum ClusterEntry: Equatable {
  /// The backing file has the data, or nobody has.
  case unallocated
  /// The cluster reads as zeros.
  case zero
  /// The cluster reads as zeros, and a host cluster at this offset is set aside for it. What that holds means nothing.
  case reserved(offset: UInt64, isExclusive: Bool)
  /// A host cluster at this offset holds the data. Writing in place is right only when no other entry refers
  /// to it.
  case data(offset: UInt64, isExclusive: Bool)
  case compressed(CompressedCluster)

  /// Where its data can be changed in place.
  var ownData: UInt64? { if case .data(let offset, isExclusive: true) = self { offset } else { nil } }
  /// Where its data can be put, when it has none.
  var ownRoom: UInt64? { if case .reserved(let offset, isExclusive: true) = self { offset } else { nil } }

  /// "Writable in place": the refcount of what the entry points at is exactly one (QCOW_OFLAG_COPIED).
  static let exclusive: UInt64 = 1 << 63
  private static let isCompressed: UInt64 = 1 << 62
  static let readsAsZeros: UInt64 = 1
  private static let reserved: UInt64 = 0x3f00_0000_0000_01fe

  /// - Parameters:
  ///   - raw: the entry as a number.
  ///   - version: the image's; zero clusters came with version 3.
  /// - Returns: nil when reserved bits are set, or an offset is not one of a cluster.
  init?(_ raw: UInt64, _ geometry: Geometry, version: Int) {
    if raw & ClusterEntry.isCompressed != 0 {
      guard raw & ClusterEntry.exclusive == 0, let cluster = CompressedCluster(raw, geometry) else { return nil }
      self = .compressed(cluster)
      return
    }
    let offset = raw & Geometry.offsetMask
    let isExclusive = raw & ClusterEntry.exclusive != 0
    guard raw & ClusterEntry.reserved == 0, geometry.isAligned(offset), offset != 0 || !isExclusive else {
      return nil
    }
    if raw & ClusterEntry.readsAsZeros != 0 {
      guard version >= 3 else { return nil }
      self = offset == 0 ? .zero : .reserved(offset: offset, isExclusive: isExclusive)
    } else {
      self = offset == 0 ? .unallocated : .data(offset: offset, isExclusive: isExclusive)
    }
  }
}

/// Where a compressed cluster's bytes are: in whole sectors of 512 bytes but for the start, not aligned to
/// host clusters.
package struct CompressedCluster: Equatable, Sendable {
  /// In bytes from the start of the file.
  let offset: UInt64
  /// Bytes from there to the end of the last sector, at most two clusters; the stream may end before.
  let count: UInt64

  /// "Compressed Clusters Descriptor": the offset in the low bits, above it the number of additional sectors.
  fileprivate init?(_ raw: UInt64, _ geometry: Geometry) {
    let offsetBits = UInt64(62 - (geometry.clusterBits - 8))
    offset = raw & ((1 << offsetBits) - 1)
    let additional = (raw & ((1 << 62) - 1)) >> offsetBits
    count = (additional + 1) * 512 - offset % 512
    guard offset != 0, offset >> 56 == 0 else { return nil }
  }

  /// The host clusters that hold the bytes: each has one reference for each compressed cluster that touches
  /// it.
  func hostClusters(_ geometry: Geometry) -> ClosedRange<UInt64> {
    geometry.cluster(of: offset)...geometry.cluster(of: offset + count - 1)
  }
}
