import Host

/// What a check of an image found.
package struct CheckReport: Equatable, Sendable {
  /// The first contradictions between tables, at most ``mostErrors``; an image with any must not be written.
  package private(set) var errors: [String] = []
  package private(set) var errorCount = 0
  /// Host clusters that are counted as used and are not: lost room and nothing worse.
  package fileprivate(set) var leakedClusters: UInt64 = 0
  /// Guest clusters with data in this image, compressed ones included; those of snapshots are not counted.
  package fileprivate(set) var allocatedClusters: UInt64 = 0
  package fileprivate(set) var compressedClusters: UInt64 = 0

  package static let mostErrors = 20

  fileprivate mutating func add(_ error: String) {
    errorCount += 1
    if errors.count < CheckReport.mostErrors { errors.append(error) }
  }
}

/// Compares all references to host clusters with their counts, as `qemu-img check` does, and finds clusters
/// that are used as two things.
///
/// It takes time and memory in proportion to the file and its tables and not to what a hostile table claims:
/// every table is read once, however often it is referred to. What an unsound entry points at is not looked
/// at.
final class Qcow2Check {
  private let header: Qcow2Header
  private let geometry: Geometry
  private let file: DiskFile
  private var report = CheckReport()
  private let comparesCounts: Bool
  /// What is known of each host cluster: `Use` bits above the number of references.
  private let uses: Mapping
  private let clusterCount: UInt64

  /// The bits of a cluster's word; the rest counts references.
  private enum Use {
    /// The header, or part of a table that only one thing refers to.
    static let single: UInt32 = 1 << 31
    static let l2Table: UInt32 = 1 << 30
    /// An L2 table of the disk as it is now.
    static let active: UInt32 = 1 << 29
    /// An L2 table that the L1 table being read has referred to before.
    static let seen: UInt32 = 1 << 28
    static let count: UInt32 = (1 << 28) - 1
  }

  /// The most host clusters that are looked at; four bytes are set aside for each, and used for those in use.
  private static let mostClusters: UInt64 = 1 << 28
  /// The most bytes of L1 tables that snapshots may have.
  private static let mostSnapshotTables: UInt64 = 256 << 20
  /// Tables are read in pieces of at most this many bytes.
  fileprivate static let pieceSize: UInt64 = 64 << 10

  /// - Parameter comparesCounts: whether counts matter. An image that is only read needs none, and may have outdated
  ///   ones.
  init(_ header: Qcow2Header, _ file: DiskFile, comparesCounts: Bool = true) throws(ImageError) {
    self.comparesCounts = comparesCounts
    self.header = header
    self.file = file
    let geometry = header.geometry
    self.geometry = geometry
    let clusterCount = geometry.clusters(file.end)
    self.clusterCount = clusterCount
    guard clusterCount <= Qcow2Check.mostClusters else {
      throw ImageError(file.path, .unsupported("a file of \(clusterCount) clusters is too large to be checked"))
    }
    uses = try host(file.path) { () throws(SystemCallError) in try Mapping.anonymous(Int(clusterCount) * 4) }
  }

  func run() throws(ImageError) -> CheckReport {
    markSingle("the header", 0, geometry.clusterSize)
    markSingle("the L1 table", header.l1Offset, header.l1Entries * 8)
    let refcountTableBytes = geometry.offset(of: header.refcountTableClusters)
    markSingle("the refcount table", header.refcountTableOffset, refcountTableBytes)
    try file.forEachEntry(at: header.refcountTableOffset, count: refcountTableBytes / 8) { index, raw in
      if raw != 0 { self.markBlock(index, raw) }
    }
    let snapshots = try readSnapshots()
    try header.bitmaps?.forEachPart(of: file, geometry) { what, offset, count in
      if self.geometry.isAligned(offset) {
        self.markSingle(what, offset, count)
      } else {
        self.report.add("\(what) is at offset \(offset)")
      }
      return self.report.errorCount == 0
    }

    try markTables("L1", header.l1Offset, header.l1Entries, isActive: true)
    for (number, table) in snapshots.enumerated() {
      try markTables("snapshot \(number)'s L1", table.offset, table.entries, isActive: false)
    }
    for cluster in 0..<clusterCount where self[cluster] & Use.l2Table != 0 { try markData(of: cluster) }
    // What follows believes the tables' places, which it may only when all are sound.
    if comparesCounts, report.errorCount == 0 { try compareCounts() }
    return report
  }

  // MARK: Words

  private subscript(cluster: UInt64) -> UInt32 {
    get {
      precondition(cluster < clusterCount)
      // SAFETY: the mapping has four bytes for each cluster.
      return unsafe uses.base.load(fromByteOffset: Int(cluster) * 4, as: UInt32.self)
    }
    set {
      precondition(cluster < clusterCount)
      // SAFETY: as above.
      unsafe uses.base.storeBytes(of: newValue, toByteOffset: Int(cluster) * 4, as: UInt32.self)
    }
  }

  private func add(_ references: UInt32, to cluster: UInt64) {
    let word = self[cluster]
    self[cluster] = word & ~Use.count | min(Use.count, word & Use.count + references)
  }

  private func cluster(_ offset: UInt64) -> UInt64 { geometry.cluster(of: offset) }

  // MARK: Tables

  /// Notes the clusters of something that exactly one thing refers to.
  private func markSingle(_ what: String, _ offset: UInt64, _ count: UInt64) {
    guard count > 0 else { return }
    guard offset < file.end, count <= geometry.offset(of: clusterCount) - offset else {
      return report.add("\(what) at offset \(offset) lies outside the file")
    }
    for cluster in cluster(offset)...cluster(offset + count - 1) {
      if self[cluster] != 0 { report.add("\(what) and another table share the host cluster \(cluster)") }
      self[cluster] |= Use.single
      add(1, to: cluster)
    }
  }

  private func markBlock(_ index: UInt64, _ raw: UInt64) {
    guard geometry.isAligned(raw) else { return report.add("refcount table entry \(index) is \(hex(raw))") }
    markSingle("refcount block \(index)", raw, geometry.clusterSize)
  }

  /// The L1 tables of the internal snapshots ("Snapshots").
  private func readSnapshots() throws(ImageError) -> [(offset: UInt64, entries: UInt64)] {
    var tables: [(offset: UInt64, entries: UInt64)] = []
    var place = header.snapshotsOffset
    var bytes: UInt64 = 0
    for number in 0..<header.snapshotCount {
      let head = try file.bytes(40, at: place)
      let table: (offset: UInt64, entries: UInt64) = (head.big(at: 0), UInt64(head.big(at: 8, as: UInt32.self)))
      let names = UInt64(head.big(at: 12, as: UInt16.self)) + UInt64(head.big(at: 14, as: UInt16.self))
      let end = place + 40 + UInt64(head.big(at: 36, as: UInt32.self)) + names
      bytes += table.entries * 8
      guard end <= file.end, bytes <= Qcow2Check.mostSnapshotTables else {
        throw ImageError(file.path, .corrupt("the snapshot table is broken at entry \(number)"))
      }
      tables.append(table)
      place = (end + 7) / 8 * 8
    }
    if place > header.snapshotsOffset {
      markSingle("the snapshot table", header.snapshotsOffset, place - header.snapshotsOffset)
    }
    for (number, table) in tables.enumerated() {
      guard geometry.isAligned(table.offset), table.offset < file.end else {
        throw ImageError(file.path, .corrupt("the L1 table of snapshot \(number) is at offset \(table.offset)"))
      }
      markSingle("the L1 table of snapshot \(number)", table.offset, table.entries * 8)
    }
    return tables
  }

  /// Notes the L2 tables that an L1 table refers to.
  private func markTables(
    _ what: String, _ offset: UInt64, _ entries: UInt64, isActive: Bool
  ) throws(ImageError) {
    guard report.errorCount == 0 else { return }
    try file.forEachEntry(at: offset, count: entries) { (index, raw) throws(ImageError) in
      guard raw != 0 else { return }
      guard let table = Qcow2.Table(raw, self.geometry),
        table.offset + self.geometry.clusterSize <= self.file.end
      else {
        return self.report.add("\(what) entry \(index) is \(hex(raw))")
      }
      let cluster = self.cluster(table.offset)
      if self[cluster] & (Use.single | Use.seen) != 0 {
        return self.report.add("\(what) entry \(index) points at host cluster \(cluster), which is another table")
      }
      self[cluster] |= Use.l2Table | Use.seen | (isActive ? Use.active : 0)
      self.add(1, to: cluster)
      if isActive { try self.checkExclusive("\(what) entry \(index)", cluster, table.isExclusive) }
    }
    try file.forEachEntry(at: offset, count: entries) { _, raw in
      guard let table = Qcow2.Table(raw, self.geometry) else { return }
      let cluster = self.cluster(table.offset)
      if cluster < self.clusterCount { self[cluster] &= ~Use.seen }
    }
  }

  /// Notes the clusters that an L2 table refers to: as often as there are references to the table.
  private func markData(of table: UInt64) throws(ImageError) {
    let word = self[table]
    let (references, isActive) = (word & Use.count, word & Use.active != 0)
    let offset = geometry.offset(of: table)
    try file.forEachEntry(at: offset, count: geometry.tableEntries) { (index, raw) throws(ImageError) in
      guard raw != 0 else { return }
      // Only the text of an error needs the place: it is not built for each entry.
      func what() -> String { "entry \(index) of the L2 table at \(offset), \(hex(raw))," }
      guard let entry = ClusterEntry(raw, self.geometry, version: self.header.version) else {
        return self.report.add("\(what()) makes no sense")
      }
      let clusters: Range<UInt64>
      switch entry {
      case .unallocated, .zero: return
      case .reserved(let place, _), .data(let place, _): clusters = self.cluster(place)..<self.cluster(place) + 1
      case .compressed(let compressed): clusters = Range(compressed.hostClusters(self.geometry))
      }
      guard clusters.upperBound <= self.clusterCount else {
        return self.report.add("\(what()) points outside the file")
      }
      for cluster in clusters {
        if self[cluster] & (Use.single | Use.l2Table) != 0 {
          self.report.add("\(what()) points at a table in host cluster \(cluster)")
        }
        self.add(references, to: cluster)
      }
      guard isActive else { return }
      self.report.allocatedClusters += 1
      if case .compressed = entry { return self.report.compressedClusters += 1 }
      try self.checkExclusive(what(), clusters.lowerBound, raw & ClusterEntry.exclusive != 0)
    }
  }

  // MARK: Counts

  /// The block that was read last, which the next cluster's count is mostly in too.
  private var block: (index: UInt64, bytes: [UInt8])?

  /// The count of references to a cluster, as the image has it.
  private func storedCount(of cluster: UInt64) throws(ImageError) -> UInt64 {
    let order = UInt64(geometry.refcountOrder)
    let pieceSize = min(geometry.clusterSize, Qcow2Check.pieceSize)
    let perPiece = (pieceSize * 8) >> order
    let piece = cluster / perPiece
    if block?.index != piece {
      let table = cluster >> UInt64(geometry.blockBits)
      var bytes: [UInt8] = []
      if table < header.refcountTableClusters << UInt64(geometry.tableBits) {
        let entry: UInt64 = try file.bytes(8, at: header.refcountTableOffset + table * 8).big(at: 0)
        let within = (piece * perPiece & (geometry.blockEntries - 1)) << order / 8
        if entry != 0 { bytes = try file.bytes(Int(pieceSize), at: entry + within) }
      }
      block = (piece, bytes)
    }
    guard let bytes = block?.bytes, !bytes.isEmpty else { return 0 }
    let bit = Int(cluster % perPiece) << Int(order)
    if order < 3 { return UInt64(bytes[bit / 8]) >> UInt64(bit % 8) & ((1 << (1 << order)) - 1) }
    var count: UInt64 = 0
    for byte in bytes[(bit / 8)..<(bit / 8 + (1 << Int(order)) / 8)] { count = count << 8 | UInt64(byte) }
    return count
  }

  /// "Exactly one reference" in an entry has to agree with the count.
  private func checkExclusive(
    _ what: @autoclosure () -> String, _ cluster: UInt64, _ isExclusive: Bool
  ) throws(ImageError) {
    guard comparesCounts, report.errorCount == 0 else { return }
    let count = try storedCount(of: cluster)
    if isExclusive != (count == 1) {
      report.add("\(what()) \(isExclusive ? "claims" : "denies") to be the only one; there are \(count) references")
    }
  }

  private func compareCounts() throws(ImageError) {
    for cluster in 0..<clusterCount {
      let found = UInt64(self[cluster] & Use.count)
      let stored = try storedCount(of: cluster)
      if stored < found {
        report.add("host cluster \(cluster) has \(found) references, its refcount is \(stored)")
      } else if stored > found {
        report.leakedClusters += 1
      }
    }
  }
}

extension DiskFile {
  /// Calls `body` with the entries of a table, in order.
  func forEachEntry(
    at offset: UInt64, count: UInt64, _ body: (_ index: UInt64, _ entry: UInt64) throws(ImageError) -> Void
  ) throws(ImageError) {
    var index: UInt64 = 0
    while index < count {
      let piece = min(count - index, Qcow2Check.pieceSize / 8)
      let bytes = try bytes(Int(piece) * 8, at: offset + index * 8)
      for entry in 0..<piece { try body(index + entry, bytes.entry(at: Int(entry) * 8)) }
      index += piece
    }
  }
}
