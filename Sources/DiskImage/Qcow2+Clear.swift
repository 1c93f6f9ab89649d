/// Making clusters read as zeros without writing any.
extension Qcow2 {
  /// Makes whole guest clusters read as zeros.
  ///
  /// - Parameter keepingRoom: keeps the host clusters that they have to themselves for later writes.
  /// - Returns: false when another request is changing the same clusters or a flush is under way: to be tried
  ///   again when it is done. Nor may plain writes to them be in flight: the clusters may be used for others
  ///   then.
  package func clear(_ clusters: Range<UInt64>, keepingRoom: Bool) throws(ImageError) -> Bool {
    guard flushStage == .idle, !isUnderway(clusters) else { return false }
    guard refcounts != nil else { throw ImageError(file.path, .readOnly) }
    try prepareToChange()
    var cluster = clusters.lowerBound
    while cluster < clusters.upperBound {
      let end = min(clusters.upperBound, (cluster / geometry.tableEntries + 1) * geometry.tableEntries)
      try clear(cluster..<end, ofOneTableKeepingRoom: keepingRoom)
      cluster = end
    }
    return true
  }

  private func clear(_ clusters: Range<UInt64>, ofOneTableKeepingRoom keepingRoom: Bool) throws(ImageError) {
    // Without a backing file, what is not allocated reads as zeros already.
    let isBacked = header.backing != nil
    if !isBacked, try table(for: clusters.lowerBound) == nil { return }
    let table = try exclusiveTable(for: clusters.lowerBound)
    for cluster in clusters {
      let old = try entry(cluster, in: table)
      let place = l2Offset(for: cluster, in: table)
      switch old {
      case .zero where keepingRoom || isBacked, .reserved where keepingRoom, .unallocated where !isBacked:
        break
      case .data(let offset, isExclusive: true) where keepingRoom:
        try mapping.setValue(offset | ClusterEntry.exclusive | ClusterEntry.readsAsZeros, at: place)
      default:
        try mapping.setValue(isBacked ? ClusterEntry.readsAsZeros : 0, at: place)
        release(old)
        try limitReleases()
      }
    }
  }
}
