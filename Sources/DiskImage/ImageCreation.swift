import Host

/// A disk image to be made.
package struct ImageCreation: Sendable {
  package var format: ImageFormat
  /// The disk's size in bytes, a multiple of 512; an overlay may leave it to its base.
  package var size: UInt64?
  /// The file that the image stands on, as the image will name it: a path from the image's own folder, or
  /// absolute.
  package var backing: String?
  /// The base's format; without one it is guessed now and written down, so that it is never guessed again.
  package var backingFormat: ImageFormat?
  /// In bytes, a power of two from 512 to 2 MiB. Small clusters copy less when an overlay is written to;
  /// large ones need smaller tables.
  package var clusterSize: UInt64 = 64 << 10

  package init(format: ImageFormat, size: UInt64? = nil) {
    self.format = format
    self.size = size
  }

  /// An image that holds only what differs from `backing`.
  package init(overlaying backing: String, format: ImageFormat? = nil) {
    self.format = .qcow2
    self.backing = backing
    backingFormat = format
  }
}

extension ImageCreation {
  /// Makes the file at `path`, which must not be there yet. When that fails, there is none afterwards.
  package func make(at path: String) throws(ImageError) {
    let descriptor = try host(path) { () throws(SystemCallError) in
      try Descriptor.open(path, [.readWrite, .create, .exclusive])
    }
    do throws(ImageError) {
      try fill(try DiskFile(descriptor, path: path, writable: true))
      // Of a file system that cannot sync folders nobody expects that it keeps names.
      try? Folder.sync(BackingName.split(path).folder)
    } catch {
      Folder.removeFile(path)
      throw error
    }
  }

  /// Makes an overlay at `path` that names `base` from its own folder; both paths start from the current folder.
  ///
  /// - Parameter format: the base's; without one it is guessed, once and for all.
  package static func makeOverlay(
    at path: String, over base: String, format: ImageFormat? = nil
  ) throws(ImageError) {
    // Opened here too, so that what is wrong with it is said of it by the name that was typed.
    _ = try Disk(path: base, format: format, readOnly: true)
    try ImageCreation(overlaying: try BackingName.of(base, from: path), format: format).make(at: path)
  }

  /// Writes an empty image to an empty file.
  func fill(_ file: DiskFile) throws(ImageError) {
    switch format {
    case .raw:
      guard backing == nil else { throw ImageError(file.path, .cannotBeMade("a raw image cannot stand on another")) }
      guard let size else { throw ImageError(file.path, .cannotBeMade("no size was given")) }
      try check(size, file)
      try file.setEnd(size)
    case .qcow2:
      try fillQcow2(file)
    }
    try file.sync()
  }

  private func check(_ size: UInt64, _ file: DiskFile) throws(ImageError) {
    guard size % 512 == 0 else { throw ImageError(file.path, .oddSize(size)) }
    guard size <= UInt64(Int64.max) / 2 else {
      throw ImageError(file.path, .cannotBeMade("the disk's size is \(size) bytes"))
    }
  }

  /// The header's cluster, the refcount table, its blocks, and the L1 table, which is all zeros, in this
  /// order. The header is written last: a file that is not complete is not taken for an image.
  private func fillQcow2(_ file: DiskFile) throws(ImageError) {
    guard clusterSize.nonzeroBitCount == 1, (512...2 << 20).contains(clusterSize) else {
      throw ImageError(file.path, .cannotBeMade("clusters cannot be of \(clusterSize) bytes"))
    }
    let geometry = Geometry(clusterBits: clusterSize.trailingZeroBitCount, refcountOrder: 4)
    let (size, backingFormat) = try base(of: file)
    try check(size, file)
    var header = Qcow2Header(
      geometry: geometry, size: size, backing: backing, backingFormat: backingFormat?.rawValue)
    header.l1Entries = geometry.tables(forDiskOf: size)
    guard header.l1Entries * 8 <= Qcow2Header.largestL1 else {
      throw ImageError(file.path, .cannotBeMade(
        "a disk of \(size) bytes needs larger clusters than \(clusterSize) bytes"))
    }

    // The table and its blocks count themselves: more of them until they are enough.
    let l1Clusters = geometry.clusters(header.l1Entries * 8)
    var blocks: UInt64 = 1
    var used: UInt64 = 0
    repeat {
      header.refcountTableClusters = geometry.clusters(blocks * 8)
      used = 1 + header.refcountTableClusters + blocks + l1Clusters
      blocks = max(blocks, (used + geometry.blockEntries - 1) >> UInt64(geometry.blockBits))
    } while used < 1 + header.refcountTableClusters + blocks + l1Clusters
    let firstBlock = 1 + header.refcountTableClusters
    header.refcountTableOffset = geometry.offset(of: 1)
    header.l1Offset = geometry.offset(of: firstBlock + blocks)
    let head = header.encoded()
    guard head.count <= Int(clusterSize), (backing?.utf8.count ?? 0) <= Qcow2Header.longestName else {
      throw ImageError(file.path, .cannotBeMade("the backing file's name is too long"))
    }

    try file.setEnd(geometry.offset(of: used))
    var table: [UInt8] = Array(repeating: 0, count: Int(blocks) * 8)
    for block in 0..<blocks { table.put(big: geometry.offset(of: firstBlock + block), at: Int(block) * 8) }
    try file.write(table.span, at: header.refcountTableOffset)
    var counts: [UInt8] = Array(repeating: 0, count: Int(used) * 2)
    for cluster in 0..<Int(used) { counts.put(big: 1 as UInt16, at: cluster * 2) }
    // The blocks follow each other, so all counts are one array.
    try file.write(counts.span, at: geometry.offset(of: firstBlock))
    try file.sync()
    try file.write(head.span, at: 0)
  }

  /// The size of the disk and the format of its base, for which the base, when there is one, is opened as it
  /// will be.
  private func base(of file: DiskFile) throws(ImageError) -> (size: UInt64, format: ImageFormat?) {
    guard let backing else {
      guard let size else { throw ImageError(file.path, .cannotBeMade("no size was given")) }
      return (size, nil)
    }
    let path = try ImageFormat.path(ofBacking: backing, of: file.path)
    let format =
      if let backingFormat { backingFormat } else {
        try ImageFormat(guessing: try DiskFile(path: path, writable: false))
      }
    let disk = try Disk(path: path, format: format, readOnly: true)
    return (size ?? disk.size, format)
  }
}
