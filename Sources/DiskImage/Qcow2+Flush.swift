/// The order in which changes reach the file. It keeps the image whole when the process is killed between any
/// two writes, and, with the syncs in between, when the host loses power and keeps any part of what was not
/// synced.
///
/// Until a flush, new L1 and L2 entries exist in memory only, and what is in the file describes the disk as
/// it was at the last flush: its clusters are still there, unchanged but for what was written in place. A
/// flush then goes on so:
///
/// 1. Counts of references, then a sync. With it, all data that new entries will point at is durable, as are
///    the new L2 tables (zeros, or copies of shared ones) and refcount blocks. Counts are only higher than
///    what the file's tables refer to.
/// 2. If there are new refcount blocks: the refcount table's entries for them, then a sync.
/// 3. The L1 and L2 entries, in any order, then a sync. Each entry is eight aligned bytes and whole or not
///    there. Any of them may be missing: an L2 table without its L1 entry is not seen, an L1 entry without
///    entries in its L2 table shows what was there before, which the guest has to expect of a flush that was
///    not answered.
/// 4. The counts of clusters that the tables no longer refer to fall. Only now can these be used anew, or
///    their room given back. If this is lost, they are leaked and nothing else.
///
/// So at each moment every cluster has at least as many counted references as real ones: `qemu-img check` may
/// find leaks and never errors. A guest without flushes keeps its changes in memory until tables fill the
/// cache.
extension Qcow2 {
  enum FlushStage { case idle, countsWritten, tableWritten, mappingWritten }

  /// Host clusters that have each lost a reference.
  typealias Released = Range<UInt64>

  /// How many runs of released clusters are kept before a flush is made for them.
  private static let mostReleased = 1024

  /// Does the next part of a flush.
  ///
  /// Between two calls nothing may be allocated, completed, zeroed or discarded; ``plan(writeAt:count:)``
  /// answers `busy`. The last call frees clusters: reads and writes that were planned before the flush have
  /// to be done by then.
  ///
  /// - Returns: whether a sync of the file must follow, after which this is to be called again; false at the
  ///   end.
  /// - Throws: when the file cannot be written. The flush is then over, and the next begins anew.
  package func advanceFlush() throws(ImageError) -> Bool {
    do throws(ImageError) {
      flushStage = try nextFlushStage()
    } catch {
      flushStage = .idle
      throw error
    }
    return flushStage != .idle
  }

  /// A sync failed: the flush is over, and the next begins anew.
  func abandonFlush() { flushStage = .idle }

  private func nextFlushStage() throws(ImageError) -> FlushStage {
    guard let refcounts else { return .idle }
    switch flushStage {
    case .idle:
      try refcounts.writeCounts()
      return .countsWritten
    case .countsWritten where refcounts.hasTableChanges:
      try refcounts.writeTable()
      return .tableWritten
    case .countsWritten where mapping.isChanged, .tableWritten where mapping.isChanged:
      try mapping.writeBack()
      return .mappingWritten
    case .countsWritten, .tableWritten, .mappingWritten:
      try applyReleases()
      return .idle
    }
  }

  /// Makes all that was completed durable. A flush that is under way step by step is begun anew and done
  /// with.
  func flush() throws(ImageError) {
    flushStage = .idle
    // A sync that fails ends the flush too.
    defer { flushStage = .idle }
    while try advanceFlush() { try file.sync() }
  }

  /// Makes room in the cache of the mapping for the slice that holds `offset`.
  func makeRoom(for offset: UInt64) throws(ImageError) {
    if !mapping.hasRoom(for: offset) { try flush() }
  }

  /// Notes that the tables refer to host clusters once less.
  func release(_ clusters: Range<UInt64>) {
    if let last = released.last, last.upperBound == clusters.lowerBound {
      released[released.count - 1] = last.lowerBound..<clusters.upperBound
    } else {
      released.append(clusters)
    }
  }

  /// Keeps the list of released clusters short.
  func limitReleases() throws(ImageError) {
    if released.count > Qcow2.mostReleased { try flush() }
  }

  private func applyReleases() throws(ImageError) {
    guard let refcounts, !released.isEmpty else { return }
    forgetInflated()
    // Taken off first: a failure half way must not release anything twice.
    let releases = released
    released.removeAll(keepingCapacity: true)
    for clusters in releases {
      var free: Range<UInt64>?
      for cluster in clusters {
        guard try refcounts.release(cluster) else { continue }
        if let run = free, run.upperBound == cluster {
          free = run.lowerBound..<cluster + 1
        } else {
          try giveBack(free)
          free = cluster..<cluster + 1
        }
      }
      try giveBack(free)
    }
    // Not for safety: a disk that is flushed and let go leaves no leak behind.
    try refcounts.writeCounts()
  }

  /// Gives the room of free clusters back to the file system, where it can take it.
  private func giveBack(_ clusters: Range<UInt64>?) throws(ImageError) {
    guard let clusters else { return }
    _ = try file.punchHole(
      at: geometry.offset(of: clusters.lowerBound),
      count: geometry.offset(of: UInt64(clusters.count)))
  }
}
