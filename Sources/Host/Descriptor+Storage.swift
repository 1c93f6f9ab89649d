import CLinux
import Glibc

/// What disk images need of a file: reading and writing at a place, durability, holes and locks.
extension Descriptor {
  /// Writes all of `bytes` at a place in the file (pwrite(2)), going on after interruptions and short writes.
  ///
  /// - Parameter offset: bytes from the file's start.
  package func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(SystemCallError) {
    var done = 0
    while done < bytes.count {
      // SAFETY: `done` is below the count, so base + done and the rest lie inside the caller's buffer.
      let taken = unsafe linux_pwrite(
        number, bytes.baseAddress! + done, bytes.count - done, Int64(clamping: offset) &+ Int64(done))
      if taken == -Int(EINTR) { continue }
      done += try checked("pwrite", taken)
    }
  }

  /// Reads once at a place in the file into the pieces, one after the other (preadv(2)).
  ///
  /// - Returns: the number of bytes, 0 at the end of the file.
  package func read(into pieces: UnsafeBufferPointer<iovec>, at offset: UInt64) throws(SystemCallError) -> Int {
    while true {
      // SAFETY: the caller vouches for the pieces; their array is only read.
      let count = unsafe linux_preadv(number, pieces.baseAddress, Int32(pieces.count), Int64(clamping: offset))
      if count != -Int(EINTR) { return try checked("preadv", count) }
    }
  }

  /// Writes once at a place in the file from the pieces, one after the other (pwritev(2)).
  ///
  /// - Returns: the number of bytes that were taken, which may be fewer than offered.
  package func write(_ pieces: UnsafeBufferPointer<iovec>, at offset: UInt64) throws(SystemCallError) -> Int {
    while true {
      // SAFETY: the caller vouches for the pieces; they and their array are only read.
      let count = unsafe linux_pwritev(number, pieces.baseAddress, Int32(pieces.count), Int64(clamping: offset))
      if count != -Int(EINTR) { return try checked("pwritev", count) }
    }
  }

  /// Returns when the file's bytes, and what is needed to find them, are on stable storage (fdatasync(2)).
  package func syncData() throws(SystemCallError) {
    try checked("fdatasync", linux_sync_data(number))
  }

  /// Makes the file that long, with room for all of it (fallocate(2)); where the file system cannot keep room, without.
  ///
  /// - Throws: `ENOSPC` when there is none.
  package func allocate(count: UInt64) throws(SystemCallError) {
    let outcome = linux_allocate(number, Int64(clamping: count))
    if outcome == -EOPNOTSUPP { return try truncate(to: Int64(clamping: count)) }
    try checked("fallocate", outcome)
  }

  /// Makes bytes read as zeros and gives their room back to the file system (fallocate(2),
  /// FALLOC_FL_PUNCH_HOLE).
  package func punchHole(at offset: UInt64, count: UInt64) throws(SystemCallError) {
    try checked("fallocate", linux_punch_hole(number, Int64(clamping: offset), Int64(clamping: count)))
  }

  /// Makes bytes read as zeros and keeps room for them (fallocate(2), FALLOC_FL_ZERO_RANGE).
  package func zeroRange(at offset: UInt64, count: UInt64) throws(SystemCallError) {
    try checked("fallocate", linux_zero_range(number, Int64(clamping: offset), Int64(clamping: count)))
  }

  /// Where the file ends, in bytes; the size of a block device too.
  package func end() throws(SystemCallError) -> UInt64 {
    UInt64(try checked("lseek", linux_end(number)))
  }

  /// Takes a shared lock on one byte for this open file (fcntl(2), F_OFD_SETLK). It goes when the file is
  /// closed.
  package func lockByte(_ offset: Int64) throws(SystemCallError) {
    try checked("fcntl", linux_lock_byte(number, offset))
  }

  /// Lets go of this open file's locks on `count` bytes.
  package func unlockBytes(_ offset: Int64, count: Int64) throws(SystemCallError) {
    try checked("fcntl", linux_unlock_bytes(number, offset, count))
  }

  /// Waits until no other open file holds this lock on the whole file, and takes it (flock(2)). It goes when the file
  /// is closed.
  package func lockExclusively() throws(SystemCallError) { try checked("flock", linux_lock(number)) }

  /// The same beside others who take it this way: nobody has it exclusively meanwhile.
  package func lockShared() throws(SystemCallError) { try checked("flock", linux_lock_shared(number)) }

  /// Whether another open file holds a lock on the byte (fcntl(2), F_OFD_GETLK).
  package func isByteLockedElsewhere(_ offset: Int64) throws(SystemCallError) -> Bool {
    try checked("fcntl", linux_byte_is_locked(number, offset)) != 0
  }
}

/// What tells one file from another, however it is named (fstat(2)).
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  /// Bytes that the file takes on its file system, holes not counted.
  package let allocated: UInt64

  package init(of file: borrowing Descriptor) throws(SystemCallError) {
    var (device, inode, allocated): (UInt64, UInt64, UInt64) = (0, 0, 0)
    // SAFETY: all pointers are to local variables that outlive the call.
    unsafe try checked("fstat", linux_identity(file.number, &device, &inode, &allocated))
    (self.device, self.inode, self.allocated) = (device, inode, allocated)
  }

  /// The folder that a path itself names (lstat(2)); its allocated bytes are not asked for.
  ///
  /// - Throws: `ENOTDIR` for what is no folder, a link to one too.
  package init(ofFolder path: String) throws(SystemCallError) {
    var (mode, device, inode): (UInt32, UInt64, UInt64) = (0, 0, 0)
    // SAFETY: all pointers are to local variables that outlive the call, as the string does.
    unsafe try checked("lstat", linux_path_identity(path, &mode, &device, &inode))
    guard mode & S_IFMT == S_IFDIR else { throw SystemCallError("lstat", .notDirectory) }
    (self.device, self.inode, allocated) = (device, inode, 0)
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.device == right.device && left.inode == right.inode
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(device)
    hasher.combine(inode)
  }
}
