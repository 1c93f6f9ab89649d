import Host

/// A guest's disk: an image and the chain of images that it stands on.
///
/// Only the first file is ever written; the others are open for reading only. It belongs to one thread.
package final class Disk {
  /// A file of the chain, by its format.
  enum Layer {
    case raw(DiskFile)
    case qcow2(Qcow2)

    var file: DiskFile {
      switch self {
      case .raw(let file): file
      case .qcow2(let image): image.file
      }
    }

    var format: ImageFormat {
      switch self {
      case .raw: .raw
      case .qcow2: .qcow2
      }
    }

    /// The size of the disk that the image holds, in bytes.
    var size: UInt64 {
      switch self {
      case .raw(let file): file.end
      case .qcow2(let image): image.header.size
      }
    }
  }

  /// From the file that is written down to the last base.
  let layers: [Layer]
  /// In bytes, a multiple of 512.
  package let size: UInt64
  package let isReadOnly: Bool
  /// Whether a write must not make the disk's start look like another format (see ``ImageFormat``).
  let isGuessedRaw: Bool
  /// For copy-on-write. It takes no memory before it is used.
  let copyBuffer: Mapping

  /// The longest chain that is opened.
  package static let deepestChain = 64

  /// Opens an image and all that it stands on.
  ///
  /// - Parameters:
  ///   - format: the first file's format; without one it is guessed.
  ///   - readOnly: opens the first file for reading only, so that others may read it too.
  ///   - isDirect: moves data past the host's page cache, in all files of the chain.
  /// - Throws: ``ImageError`` naming the file of the chain that cannot be used.
  package convenience init(
    path: String, format: ImageFormat? = nil, readOnly: Bool, isDirect: Bool = false
  ) throws(ImageError) {
    try self.init(try DiskFile(path: path, writable: !readOnly, isDirect: isDirect), format: format)
  }

  /// As above, on a file that is already open; the names of backing files are relative to the folder of its
  /// path.
  package init(_ file: DiskFile, format: ImageFormat? = nil) throws(ImageError) {
    let top = if let format { format } else { try ImageFormat(guessing: file) }
    isGuessedRaw = format == nil && top == .raw
    copyBuffer = try host(file.path) { () throws(SystemCallError) in try Mapping.anonymous(Disk.copySize) }
    layers = try Disk.chain(file, top)
    size = layers[0].size
    isReadOnly = !file.isWritable
  }

  /// Opens the files below `file`, each named by the one above it: a loop, since a chain may be made to be
  /// long.
  private static func chain(_ file: DiskFile, _ format: ImageFormat) throws(ImageError) -> [Layer] {
    var layers = [try layer(file, format)]
    while case .qcow2(let image) = layers[layers.count - 1], let name = image.header.backing {
      let path = try ImageFormat.path(ofBacking: name, of: image.file.path)
      guard layers.count <= deepestChain else { throw ImageError(file.path, .backingTooDeep(limit: deepestChain)) }
      // Checked before it is opened as an image: a file that backs itself would refuse its own lock.
      let identity = try host(path) { () throws(SystemCallError) in
        try FileIdentity(of: try Descriptor.open(path, [.readOnly, .nonBlocking]))
      }
      guard !layers.contains(where: { $0.file.identity == identity }) else {
        throw ImageError(file.path, .backingLoop)
      }
      let base = try DiskFile(path: path, writable: false, isDirect: file.isDirect)
      let format = try ImageFormat(ofBacking: image.header.backingFormat, base, namedBy: image.file.path)
      layers.append(try layer(base, format))
    }
    return layers
  }

  private static func layer(_ file: DiskFile, _ format: ImageFormat) throws(ImageError) -> Layer {
    switch format {
    case .qcow2:
      let image = try Qcow2(file)
      // Tables and data would share pages of the cache, past which only the data goes.
      guard !file.isDirect || image.geometry.clusterSize >= 4096 else {
        throw ImageError(file.path, .noDirectAccess("its clusters are smaller than 4 KiB"))
      }
      return .qcow2(image)
    case .raw:
      guard file.end % 512 == 0 else { throw ImageError(file.path, .oddSize(file.end)) }
      return .raw(file)
    }
  }

  /// What a discard gives back is a multiple of this, where the image's format says so: a cluster.
  package var discardBytes: UInt64? {
    if case .qcow2(let image) = layers[0] { image.geometry.clusterSize } else { nil }
  }

  // MARK: Where bytes are

  /// Where a run of the disk's bytes comes from.
  package enum Source {
    case zeros
    /// From this offset of a file.
    case file(DiskFile, offset: UInt64)
    /// From a byte of a compressed cluster on, which has to be inflated.
    case compressed(Qcow2, CompressedCluster, from: UInt64)
  }

  /// Where the bytes from `offset` on come from, and for how many of the next `count`, at least one, that is
  /// so.
  ///
  /// It may read tables, which are small and mostly cached; it reads no data.
  package func source(at offset: UInt64, count: UInt64) throws(ImageError) -> (source: Source, count: UInt64) {
    try requireInside(offset, count)
    return try source(from: 0, at: offset, count: count)
  }

  /// The same in the layers from `index` on.
  private func source(
    from index: Int, at offset: UInt64, count: UInt64
  ) throws(ImageError) -> (source: Source, count: UInt64) {
    var count = count
    for layer in layers[index...] {
      // A base may be smaller than what stands on it: beyond its end the disk reads as zeros.
      guard offset < layer.size else { return (.zeros, count) }
      count = min(count, layer.size - offset)
      switch layer {
      case .raw(let file):
        return (.file(file, offset: offset), count)
      case .qcow2(let image):
        let (run, length) = try image.run(at: offset, count: count)
        count = length
        switch run {
        case .unallocated: continue
        case .zero: return (.zeros, count)
        case .data(let place): return (.file(image.file, offset: place), count)
        case .compressed(let cluster, let within): return (.compressed(image, cluster, from: within), count)
        }
      }
    }
    return (.zeros, count)
  }

  func requireInside(_ offset: UInt64, _ count: UInt64) throws(ImageError) {
    guard offset <= size, count <= size - offset else {
      throw ImageError(layers[0].file.path, .outOfRange(offset: offset, count: count, size: size))
    }
  }
}
