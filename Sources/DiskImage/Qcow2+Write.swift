/// Writing: where bytes are to go, and noting that they are there.
extension Qcow2 {
  /// How a part of a write is to be done.
  package enum WritePlan {
    /// The next `count` bytes go to `offset` of the file, and that is all.
    case inPlace(offset: UInt64, count: UInt64)
    /// New clusters are to be filled, then ``complete(_:)`` is to be called, or ``abandon(_:)``.
    case allocate(Allocation)
    /// Another request is changing the same clusters, or a flush is under way: plan again when it is done.
    case busy
  }

  /// Host clusters that were taken for guest clusters, whose data nothing refers to yet.
  package struct Allocation {
    /// The guest clusters, which follow each other in the file too.
    let clusters: Range<UInt64>
    /// Where the first is in the file.
    package let offset: UInt64
    /// The bytes of the request that go there start so far behind `offset`. What is before them in the first
    /// cluster, and behind them in the last, has to be copied from what the disk holds there now.
    package let before: UInt64
    package let count: UInt64
    package let after: UInt64
    /// The clusters are beyond all that was ever written: they read as zeros, and zeros need not be copied to
    /// them.
    package let isFresh: Bool
    /// The clusters were set aside for these guest clusters before.
    let isReserved: Bool
  }

  /// Plans how to write at `offset` the next bytes, at most `count`; the plan says for how many it is.
  package func plan(writeAt offset: UInt64, count: UInt64) throws(ImageError) -> WritePlan {
    guard let refcounts else { throw ImageError(file.path, .readOnly) }
    let cluster = geometry.cluster(of: offset)
    let before = geometry.within(offset)
    if let table = try table(for: cluster), table.isExclusive {
      let (place, length) = try run(cluster, in: table, count: before + count) { $0.ownData }
      if length > 0 { return .inPlace(offset: place + before, count: min(count, length - before)) }
    }
    let wanted = cluster..<min(
      cluster + geometry.clusters(before + count), (cluster / TableCache.sliceEntries + 1) * TableCache.sliceEntries)
    guard flushStage == .idle, !isUnderway(wanted) else { return .busy }
    try prepareToChange()
    let (place, length, isReserved) = try room(for: wanted, in: try exclusiveTable(for: cluster), refcounts)
    let clusters = cluster..<cluster + geometry.cluster(of: length)
    let room = length - before
    underway.append(clusters)
    return .allocate(Allocation(
      clusters: clusters, offset: place, before: before, count: min(count, room),
      after: room - min(count, room), isFresh: place >= file.end, isReserved: isReserved))
  }

  /// Room in one piece for guest clusters from the first one on, at least for that: what was set aside for them, or
  /// else new.
  private func room(
    for clusters: Range<UInt64>, in table: Table, _ refcounts: Refcounts
  ) throws(ImageError) -> (offset: UInt64, count: UInt64, isReserved: Bool) {
    let (place, length) = try run(
      clusters.lowerBound, in: table, count: geometry.offset(of: UInt64(clusters.count))) { $0.ownRoom }
    if length > 0 { return (place, length, true) }
    var needed: UInt64 = 0
    for cluster in clusters {
      let entry = try entry(cluster, in: table)
      if entry.ownData ?? entry.ownRoom != nil { break }
      needed += 1
    }
    let host = try refcounts.allocate(atMost: needed)
    return (geometry.offset(of: host.lowerBound), geometry.offset(of: UInt64(host.count)), false)
  }

  /// Where `cluster` and those behind it are in the file as far as they follow each other there, and how many bytes, at
  /// most `count`, that holds for; `place` says of an entry where its cluster is, if it counts.
  private func run(
    _ cluster: UInt64, in table: Table, count: UInt64, _ place: (ClusterEntry) -> UInt64?
  ) throws(ImageError) -> (offset: UInt64, count: UInt64) {
    guard let start = place(try entry(cluster, in: table)) else { return (0, 0) }
    var length = geometry.clusterSize
    var next = cluster + 1
    while length < count, next % TableCache.sliceEntries != 0, place(try entry(next, in: table)) == start + length {
      length += geometry.clusterSize
      next += 1
    }
    return (start, min(count, length))
  }

  func isUnderway(_ clusters: Range<UInt64>) -> Bool { underway.contains { $0.overlaps(clusters) } }

  /// The data is in the file: lets the disk have it. No flush may be under way.
  package func complete(_ allocation: Allocation) throws(ImageError) {
    precondition(flushStage == .idle)
    // Also when this fails, which leaks the clusters: the guest may try again.
    defer { underway.removeAll { $0 == allocation.clusters } }
    file.wrote(upTo: allocation.offset + allocation.before + allocation.count)
    let table = try exclusiveTable(for: allocation.clusters.lowerBound)
    var place = allocation.offset
    for cluster in allocation.clusters {
      let old = try entry(cluster, in: table)
      try mapping.setValue(place | ClusterEntry.exclusive, at: l2Offset(for: cluster, in: table))
      if !allocation.isReserved { release(old) }
      place += geometry.clusterSize
    }
    try limitReleases()
  }

  /// The data could not be written: gives back clusters that were not set aside before. No flush may be under way.
  package func abandon(_ allocation: Allocation) {
    precondition(flushStage == .idle)
    // Some of it may have been written: the clusters are not fresh any more.
    file.wrote(upTo: allocation.offset + geometry.offset(of: UInt64(allocation.clusters.count)))
    let first = geometry.cluster(of: allocation.offset)
    if !allocation.isReserved { release(first..<first + UInt64(allocation.clusters.count)) }
    underway.removeAll { $0 == allocation.clusters }
  }

  /// Notes that an entry that held references was overwritten.
  func release(_ entry: ClusterEntry) {
    switch entry {
    case .unallocated, .zero: break
    case .reserved(let offset, _), .data(let offset, _):
      let cluster = geometry.cluster(of: offset)
      release(cluster..<cluster + 1)
    case .compressed(let compressed):
      release(Range(compressed.hostClusters(geometry)))
    }
  }

  // MARK: L2 tables

  /// The L2 table for a guest cluster as one that may be changed: made when there is none, copied when a
  /// snapshot shares it.
  func exclusiveTable(for cluster: UInt64) throws(ImageError) -> Table {
    guard let refcounts else { throw ImageError(file.path, .readOnly) }
    let old = try table(for: cluster)
    if let old, old.isExclusive { return old }
    let host = try refcounts.allocate(atMost: 1)
    let offset = geometry.offset(of: host.lowerBound)
    if let old {
      // Nothing shared was changed in the cache, so the file has all of it.
      let bytes = try file.bytes(Int(geometry.clusterSize), at: old.offset)
      try file.write(bytes.span, at: offset)
    } else {
      try file.writeZeros(at: offset, count: geometry.clusterSize)
    }
    mapping.forget(offset..<offset + geometry.clusterSize)
    let place = l1Offset(for: cluster)
    try makeRoom(for: place)
    try mapping.setValue(offset | ClusterEntry.exclusive, at: place)
    if let old {
      let cluster = geometry.cluster(of: old.offset)
      release(cluster..<cluster + 1)
    }
    return Table(offset | ClusterEntry.exclusive, geometry)!
  }

  /// Before the first change: clears the features that stand for structures which this program does not keep
  /// up to date ("autoclear_features"), so that nobody trusts them any more.
  func prepareToChange() throws(ImageError) {
    guard !isPrepared else { return }
    if header.autoclear != 0 {
      try file.write([UInt8](repeating: 0, count: 8).span, at: Qcow2Header.autoclearField)
      try file.sync()
    }
    isPrepared = true
  }
}
