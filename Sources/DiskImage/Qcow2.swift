/// One qcow2 image: where each part of its disk is, and how that changes (qcow2 specification).
///
/// It reads and writes its tables itself, through small caches, and moves no data: a request asks where bytes
/// are, or are to go, and whoever runs the request moves them. So the same mapping serves a loop of plain
/// calls and io_uring. What a guest writes may change the tables at any time, so they are checked entry by
/// entry as they are used.
///
/// It belongs to one thread.
package final class Qcow2 {
  let file: DiskFile
  /// As the header was when the image was opened; the refcount table may have moved since.
  let header: Qcow2Header
  let geometry: Geometry
  /// L1 and L2 tables.
  let mapping: TableCache
  /// Present when the image is open for writing.
  let refcounts: Refcounts?

  /// References that end when the tables that no longer hold them are on stable storage (see
  /// `Qcow2+Flush.swift`).
  var released: [Released] = []
  var flushStage = FlushStage.idle
  /// Guest clusters whose allocation is planned and not yet completed.
  var underway: [Range<UInt64>] = []
  /// Whether ``prepareToChange()`` has done its work.
  var isPrepared = false
  private var inflater: Inflater?

  /// Reads and checks an image: that each entry of its tables points at data, and nowhere else. Of one that is to be
  /// written the counts are checked too, since a wrong one would make writing to one place destroy another.
  package init(_ file: DiskFile) throws(ImageError) {
    self.file = file
    header = try Qcow2Header(of: file)
    geometry = header.geometry
    mapping = try TableCache(file, kibibytes: 512)
    guard file.isWritable else {
      refcounts = nil
      // One that is known to be broken may still be read: for what can be had of it.
      if !header.isMarkedCorrupt { try Qcow2.require(Qcow2Check(header, file, comparesCounts: false).run(), file) }
      return
    }
    try Qcow2.requireWritable(header, file)
    refcounts = Refcounts(
      header, file,
      blocks: try TableCache(file, kibibytes: 128), table: try TableCache(file, kibibytes: 32))
  }

  /// Refuses to write what cannot be written rightly.
  private static func requireWritable(_ header: Qcow2Header, _ file: DiskFile) throws(ImageError) {
    guard header.version >= 3 else {
      throw ImageError(file.path, .unsupported(
        "qcow2 version 2 can only be read: put an overlay on it, or use `qemu-img amend -o compat=1.1`"))
    }
    guard !header.isMarkedCorrupt else {
      throw ImageError(file.path, .unsupported("it is marked corrupt and can only be read"))
    }
    guard !header.isDirty else {
      throw ImageError(file.path, .unsupported(
        "another program left it with outdated refcounts: repair it with `qemu-img check -r all`"))
    }
    try require(Qcow2Check(header, file).run(), file)
  }

  private static func require(_ report: CheckReport, _ file: DiskFile) throws(ImageError) {
    if let first = report.errors.first { throw ImageError(file.path, .corrupt(first)) }
  }

  // MARK: Reading the mapping

  /// What a run of guest bytes is, in one image.
  enum Run: Equatable {
    case unallocated
    case zero
    /// At this offset of the file.
    case data(UInt64)
    /// A part of one compressed cluster, from this byte of it on.
    case compressed(CompressedCluster, from: UInt64)
  }

  /// What the bytes from `offset` on are, and for how many of the next `count`, at least one, that is so.
  func run(at offset: UInt64, count: UInt64) throws(ImageError) -> (run: Run, count: UInt64) {
    let cluster = geometry.cluster(of: offset)
    let within = geometry.within(offset)
    guard let table = try table(for: cluster) else {
      let end = (cluster / geometry.tableEntries + 1) * geometry.offset(of: geometry.tableEntries)
      return (.unallocated, min(count, end - offset))
    }
    let first = try entry(cluster, in: table)
    let run = Qcow2.run(first, within: within)
    var length = geometry.clusterSize - within
    if case .compressed = run { return (run, min(count, length)) }
    // On to the slice's end at most: more is found by the next call.
    var next = cluster + 1
    while length < count, next % TableCache.sliceEntries != 0 {
      let following = Qcow2.run(try entry(next, in: table), within: 0)
      switch (run, following) {
      case (.unallocated, .unallocated), (.zero, .zero): break
      case (.data(let start), .data(let offset)) where offset == start + length: break
      default: return (run, length)
      }
      length += geometry.clusterSize
      next += 1
    }
    return (run, min(count, length))
  }

  private static func run(_ entry: ClusterEntry, within: UInt64) -> Run {
    switch entry {
    case .unallocated: .unallocated
    case .zero, .reserved: .zero
    case .data(let offset, _): .data(offset + within)
    case .compressed(let cluster): .compressed(cluster, from: within)
    }
  }

  /// The bytes of a compressed cluster, valid until the next call.
  func inflate(_ cluster: CompressedCluster) throws(ImageError) -> UnsafeRawBufferPointer {
    if inflater == nil { inflater = try Inflater(geometry, path: file.path) }
    // SAFETY: it was made above, when it was not there.
    return unsafe try inflater.unsafelyUnwrapped.inflate(cluster, from: file)
  }

  /// Forgets what was inflated, when the host clusters that held it may be used anew.
  func forgetInflated() { inflater?.forget() }

  // MARK: Entries

  /// An L1 entry: an L2 table, and whether no other entry refers to it.
  struct Table {
    let offset: UInt64
    let isExclusive: Bool
  }

  func l1Offset(for cluster: UInt64) -> UInt64 { header.l1Offset + (cluster >> UInt64(geometry.tableBits)) * 8 }

  /// The L2 table for a guest cluster, when there is one ("L1 table entry").
  func table(for cluster: UInt64) throws(ImageError) -> Table? {
    let place = l1Offset(for: cluster)
    try makeRoom(for: place)
    let raw = try mapping.entry(at: place)
    guard raw != 0 else { return nil }
    guard let table = Table(raw, geometry), table.offset + geometry.clusterSize <= file.end else {
      throw ImageError(file.path, .corrupt("L1 entry \(cluster >> UInt64(geometry.tableBits)) is \(hex(raw))"))
    }
    return table
  }

  func l2Offset(for cluster: UInt64, in table: Table) -> UInt64 {
    table.offset + (cluster & (geometry.tableEntries - 1)) * 8
  }

  /// A guest cluster's L2 entry, checked against the file.
  func entry(_ cluster: UInt64, in table: Table) throws(ImageError) -> ClusterEntry {
    let place = l2Offset(for: cluster, in: table)
    try makeRoom(for: place)
    let raw = try mapping.entry(at: place)
    guard let entry = ClusterEntry(raw, geometry, version: header.version), isInside(entry) else {
      throw ImageError(file.path, .corrupt("the L2 entry of guest cluster \(cluster) is \(hex(raw))"))
    }
    return entry
  }

  /// Whether what an entry points at begins in the file; the last cluster may be cut short by the file's end.
  private func isInside(_ entry: ClusterEntry) -> Bool {
    switch entry {
    case .unallocated, .zero: true
    case .reserved(let offset, _), .data(let offset, _): offset < file.end
    case .compressed(let cluster): cluster.offset < file.end
    }
  }
}

extension Qcow2.Table {
  private static let reserved: UInt64 = 0x7f00_0000_0000_01ff

  /// - Returns: nil when reserved bits are set or the offset is not one of a cluster.
  init?(_ raw: UInt64, _ geometry: Geometry) {
    offset = raw & Geometry.offsetMask
    isExclusive = raw & ClusterEntry.exclusive != 0
    guard raw & Self.reserved == 0, offset != 0, geometry.isAligned(offset) else { return nil }
  }
}

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
