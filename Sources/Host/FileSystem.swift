import CLinux

/// A kind of file system (statfs(2), linux/magic.h).
package struct FileSystem: Equatable, Sendable {
  private let magic: Int64

  /// ext2 and ext3 have the same number.
  package static let ext4 = FileSystem(magic: Int64(EXT4_SUPER_MAGIC))
  package static let tmpfs = FileSystem(magic: Int64(TMPFS_MAGIC))
  package static let ramfs = FileSystem(magic: Int64(RAMFS_MAGIC))

  /// Whether all that is on it goes with the host's power.
  package var isInMemory: Bool { self == .tmpfs || self == .ramfs }
}

extension FileSystem {
  /// That of an open file.
  package init(of descriptor: borrowing Descriptor) throws(SystemCallError) {
    var magic: Int64 = 0
    // SAFETY: the variable outlives the call.
    unsafe try checked("fstatfs", linux_file_system(descriptor.number, &magic))
    self.init(magic: magic)
  }

  /// That of what has a path.
  package init(of path: String) throws(SystemCallError) {
    var magic: Int64 = 0
    // SAFETY: the string and the variable outlive the call, which only reads the first.
    unsafe try checked("statfs", linux_path_file_system(path, &magic))
    self.init(magic: magic)
  }
}
