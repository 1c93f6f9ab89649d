/// The sizes of a qcow2 image that follow from its header (qcow2 specification, "Host cluster management" and
/// "Cluster mapping"). Both table kinds have two levels: L1 and L2 tables map guest clusters, the refcount
/// table and its blocks count the references to host clusters.
struct Geometry: Equatable {
  /// log2 of the cluster size, 9 to 21.
  let clusterBits: Int
  /// log2 of a reference count's width in bits, 0 to 6.
  let refcountOrder: Int

  var clusterSize: UInt64 { 1 << UInt64(clusterBits) }

  /// log2 of the number of entries in an L2 table.
  var tableBits: Int { clusterBits - 3 }
  var tableEntries: UInt64 { 1 << UInt64(tableBits) }
  /// log2 of the number of counts in a refcount block.
  var blockBits: Int { clusterBits + 3 - refcountOrder }
  var blockEntries: UInt64 { 1 << UInt64(blockBits) }

  /// How many clusters hold `bytes`.
  func clusters(_ bytes: UInt64) -> UInt64 { cluster(of: bytes) + (within(bytes) > 0 ? 1 : 0) }

  /// The number of the cluster that a byte is in, and where a cluster starts; in the file or on the disk.
  func cluster(of offset: UInt64) -> UInt64 { offset >> UInt64(clusterBits) }
  func offset(of cluster: UInt64) -> UInt64 { cluster << UInt64(clusterBits) }

  /// Where a byte lies in its cluster.
  func within(_ offset: UInt64) -> UInt64 { offset & (clusterSize - 1) }
  func isAligned(_ offset: UInt64) -> Bool { within(offset) == 0 }

  /// How many L1 entries a disk of `size` bytes needs.
  func tables(forDiskOf size: UInt64) -> UInt64 { (clusters(size) + tableEntries - 1) >> UInt64(tableBits) }

  /// Offsets of clusters are bits 9 to 55 of table entries: no cluster can lie beyond.
  static let offsetMask: UInt64 = 0x00ff_ffff_ffff_fe00
}
