import Host

/// What there is to say about one image file, without those that it stands on.
package struct ImageInfo: Sendable {
  package let path: String
  package let format: ImageFormat
  /// The size of the disk in bytes.
  package let size: UInt64
  /// Bytes that the file takes on its file system.
  package let allocated: UInt64
  /// Only of qcow2 images.
  package let qcow2: Qcow2Info?

  package struct Qcow2Info: Sendable {
    package let version: Int
    /// In bytes.
    package let clusterSize: UInt64
    /// The width of a reference count in bits.
    package let refcountBits: Int
    package let snapshots: UInt64
    /// The file that the image stands on, by the name that the image has for it, and by its path from here.
    package let backing: String?
    package let backingPath: String?
    package let backingFormat: String?
    /// Left with outdated refcounts by another program.
    package let isDirty: Bool
    package let isMarkedCorrupt: Bool
  }

  /// Looks at a file, which others may read meanwhile but not write.
  package init(path: String, format: ImageFormat? = nil) throws(ImageError) {
    let file = try DiskFile(path: path, writable: false)
    self.path = path
    self.format = if let format { format } else { try ImageFormat(guessing: file) }
    allocated = file.identity.allocated
    guard self.format == .qcow2 else {
      size = file.end
      qcow2 = nil
      return
    }
    let header = try Qcow2Header(of: file)
    size = header.size
    let backingPath: String? =
      if let backing = header.backing { try ImageFormat.path(ofBacking: backing, of: path) } else { nil }
    qcow2 = Qcow2Info(
      version: header.version, clusterSize: header.geometry.clusterSize,
      refcountBits: 1 << header.geometry.refcountOrder, snapshots: header.snapshotCount, backing: header.backing,
      backingPath: backingPath, backingFormat: header.backingFormat, isDirty: header.isDirty,
      isMarkedCorrupt: header.isMarkedCorrupt)
  }
}

extension CheckReport {
  /// Checks the tables of a qcow2 image, which nobody may be writing meanwhile.
  package init(checking path: String) throws(ImageError) {
    let file = try DiskFile(path: path, writable: false)
    self = try Qcow2Check(try Qcow2Header(of: file), file).run()
  }
}
