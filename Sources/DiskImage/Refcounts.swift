/// The references to each host cluster of an image that is open for writing (qcow2 specification, "Host
/// cluster management"): which clusters are free, and taking and giving them back.
///
/// A count that is too high loses a cluster; one that is too low loses data. So counts rise before anything
/// refers to a cluster, and fall only after nothing on stable storage does. Counts that obey this may reach
/// the file at any moment. The refcount table must not name a block before the block is on stable storage:
/// ``publishTable()``.
final class Refcounts {
  private let file: DiskFile
  private let geometry: Geometry
  private let blocks: TableCache
  private let table: TableCache
  private var tableOffset: UInt64
  private var tableClusters: UInt64
  /// No cluster below is free.
  private var firstFree: UInt64 = 0

  init(_ header: Qcow2Header, _ file: DiskFile, blocks: TableCache, table: TableCache) {
    self.file = file
    geometry = header.geometry
    self.blocks = blocks
    self.table = table
    tableOffset = header.refcountTableOffset
    tableClusters = header.refcountTableClusters
  }

  // MARK: The refcount table

  private var tableEntries: UInt64 { tableClusters << UInt64(geometry.tableBits) }

  /// The block that counts the references to `cluster`, when there is one.
  private func block(for cluster: UInt64) throws(ImageError) -> UInt64? {
    let index = cluster >> UInt64(geometry.blockBits)
    guard index < tableEntries else { return nil }
    let place = tableOffset + index * 8
    if !table.hasRoom(for: place) { try publishTable() }
    let offset = try table.entry(at: place)
    return offset == 0 ? nil : offset
  }

  var hasTableChanges: Bool { table.isChanged }

  func writeCounts() throws(ImageError) { try blocks.writeBack() }
  func writeTable() throws(ImageError) { try table.writeBack() }

  /// Lets the file's refcount table name the new blocks, once these are on stable storage.
  private func publishTable() throws(ImageError) {
    try writeCounts()
    try file.sync()
    try writeTable()
  }

  // MARK: Counts

  /// Where a cluster's count is: a byte's offset for counts of less than a byte, with the bits to shift it
  /// by.
  private func place(of cluster: UInt64, in block: UInt64) -> (offset: UInt64, shift: UInt64) {
    let bit = (cluster & (geometry.blockEntries - 1)) << UInt64(geometry.refcountOrder)
    return (block + bit / 8, bit % 8)
  }

  /// Bytes of a count, and the mask of one that is smaller than a byte.
  private var countBytes: Int { max(1, (1 << geometry.refcountOrder) / 8) }
  private var smallMask: UInt64 {
    geometry.refcountOrder >= 3 ? .max : (1 << (1 << UInt64(geometry.refcountOrder))) - 1
  }

  private func count(of cluster: UInt64, in block: UInt64) throws(ImageError) -> UInt64 {
    let (offset, shift) = place(of: cluster, in: block)
    if !blocks.hasRoom(for: offset) { try writeCounts() }
    return try blocks.value(at: offset, bytes: countBytes) >> shift & smallMask
  }

  private func setCount(_ count: UInt64, of cluster: UInt64, in block: UInt64) throws(ImageError) {
    let (offset, shift) = place(of: cluster, in: block)
    if !blocks.hasRoom(for: offset) { try writeCounts() }
    var value = count
    if geometry.refcountOrder < 3 {
      value = try blocks.value(at: offset, bytes: 1) & ~(smallMask << shift) | count << shift
    }
    try blocks.setValue(value, at: offset, bytes: countBytes)
  }

  // MARK: Taking and giving back

  /// Takes free clusters that follow each other, at least one and at most `limit`: the first that are free.
  func allocate(atMost limit: UInt64) throws(ImageError) -> Range<UInt64> {
    var cluster = firstFree
    while true {
      guard geometry.offset(of: cluster) <= Geometry.offsetMask - geometry.offset(of: limit) else {
        throw ImageError(file.path, .full)
      }
      let block = if let block = try block(for: cluster) { block } else { try addBlock(for: cluster) }
      let end = (cluster >> UInt64(geometry.blockBits) + 1) << UInt64(geometry.blockBits)
      while cluster < end, try count(of: cluster, in: block) != 0 { cluster += 1 }
      guard cluster < end else { continue }
      let start = cluster
      while cluster < min(end, start + limit), try count(of: cluster, in: block) == 0 {
        try setCount(1, of: cluster, in: block)
        cluster += 1
      }
      firstFree = cluster
      return start..<cluster
    }
  }

  /// Ends one reference to a cluster.
  ///
  /// - Returns: whether it was the last, so that the cluster is free now.
  func release(_ cluster: UInt64) throws(ImageError) -> Bool {
    guard let block = try block(for: cluster), case let count = try count(of: cluster, in: block), count > 0 else {
      throw ImageError(file.path, .corrupt("host cluster \(cluster) is in use and has no references"))
    }
    try setCount(count - 1, of: cluster, in: block)
    if count == 1 { firstFree = min(firstFree, cluster) }
    return count == 1
  }

  /// Makes the block for a cluster whose references were not counted until now.
  ///
  /// Without a block none of its clusters is in use. So the block is put in the first of them and counts
  /// itself.
  private func addBlock(for cluster: UInt64) throws(ImageError) -> UInt64 {
    let index = cluster >> UInt64(geometry.blockBits)
    if index >= tableEntries {
      try growTable(toHold: index)
      if let block = try block(for: cluster) { return block }
    }
    let first = index << UInt64(geometry.blockBits)
    let offset = geometry.offset(of: first)
    try file.writeZeros(at: offset, count: geometry.clusterSize)
    blocks.forget(offset..<offset + geometry.clusterSize)
    try setCount(1, of: first, in: offset)
    let place = tableOffset + index * 8
    if !table.hasRoom(for: place) { try publishTable() }
    try table.setValue(offset, at: place)
    return offset
  }

  /// Moves the refcount table to where it has room for an entry, and half as many again.
  ///
  /// The new table lies beyond the last cluster that the old one covers, where nothing is, behind the blocks
  /// that count it. It is on stable storage before the header names it, and the header before the old one is
  /// given back.
  private func growTable(toHold index: UInt64) throws(ImageError) {
    let clusterBits = UInt64(geometry.clusterBits)
    let oldEntries = tableEntries
    let clusters = geometry.clusters((index + 1 + index / 2) * 8)
    guard clusters << clusterBits <= Qcow2Header.largestRefcountTable else { throw ImageError(file.path, .full) }
    let start = oldEntries << UInt64(geometry.blockBits)
    var blockCount: UInt64 = 1
    while blockCount << UInt64(geometry.blockBits) < blockCount + clusters { blockCount += 1 }
    try publishTable()

    let newBlocks = start << clusterBits
    try file.writeZeros(at: newBlocks, count: (blockCount + clusters) << clusterBits)
    blocks.forget(newBlocks..<newBlocks + blockCount << clusterBits)
    for cluster in start..<start + blockCount + clusters {
      let block = newBlocks + ((cluster - start) >> UInt64(geometry.blockBits)) << clusterBits
      try setCount(1, of: cluster, in: block)
    }
    let newTable = newBlocks + blockCount << clusterBits
    for cluster in 0..<tableClusters {
      let bytes = try file.bytes(Int(geometry.clusterSize), at: tableOffset + cluster << clusterBits)
      try file.write(bytes.span, at: newTable + cluster << clusterBits)
    }
    table.forget(0..<UInt64.max)
    for block in 0..<blockCount {
      let place = newTable + (oldEntries + block) * 8
      if !table.hasRoom(for: place) { try writeTable() }
      try table.setValue(newBlocks + block << clusterBits, at: place)
    }
    try writeCounts()
    try writeTable()
    try file.sync()

    var field = [UInt8](repeating: 0, count: 12)
    field.put(big: newTable, at: 0)
    field.put(big: UInt32(clusters), at: 8)
    try file.write(field.span, at: Qcow2Header.refcountTableField)
    try file.sync()
    let old = tableOffset >> clusterBits..<(tableOffset >> clusterBits) + tableClusters
    (tableOffset, tableClusters) = (newTable, clusters)
    for cluster in old { _ = try release(cluster) }
  }
}
