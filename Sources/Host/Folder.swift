import CLinux
import Glibc

/// Folders of the file system.
package enum Folder {
  /// Makes a folder that only its owner may look into (mkdir(2), mode 0700).
  package static func make(_ path: String) throws(SystemCallError) {
    // SAFETY: the string outlives the call, which only reads it.
    try checked("mkdir", unsafe linux_make_directory(path))
  }

  /// Makes an absolute path's folders as far as they are missing, each as ``make(_:)`` does, and their names durable.
  package static func makeAll(_ path: String) throws(SystemCallError) {
    var folder = ""
    for part in path.split(separator: "/") {
      let parent = folder.isEmpty ? "/" : folder
      folder += "/\(part)"
      if (try? FileStatus(of: folder)) != nil { continue }
      do throws(SystemCallError) { try make(folder) } catch where error.errno == .exists {}
      try sync(parent)
    }
  }

  /// Whether a path itself names a folder of this user's, into which no other user may write (lstat(2)).
  package static func isOwn(_ path: String) throws(SystemCallError) -> Bool {
    var status = stat()
    // SAFETY: the string and the variable outlive the call. The error is read before anything else runs on this thread.
    if unsafe lstat(path, &status) != 0 { throw SystemCallError("lstat", Errno(rawValue: errno)) }
    return status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid() && status.st_mode & (S_IWGRP | S_IWOTH) == 0
  }

  /// How many bytes a user may still write to the file system of a path (statvfs(3)).
  package static func freeBytes(_ path: String) throws(SystemCallError) -> UInt64 {
    var status = statvfs()
    // SAFETY: as above.
    if unsafe statvfs(path, &status) != 0 { throw SystemCallError("statvfs", Errno(rawValue: errno)) }
    let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflow ? .max : bytes
  }

  /// Takes away a folder of a user's own and the files in it; it must hold no other folder.
  package static func remove(_ path: String) throws(SystemCallError) {
    for name in try names(in: path) { removeFile("\(path)/\(name)") }
    // SAFETY: as above. The error is read before anything else runs on this thread.
    if unsafe rmdir(path) != 0 { throw SystemCallError("rmdir", Errno(rawValue: errno)) }
  }

  /// Takes away a file, when there is one (unlink(2)).
  package static func removeFile(_ path: String) {
    // SAFETY: the string outlives the call, which only reads it.
    _ = unsafe unlink(path)
  }

  /// Takes away a folder with nothing in it; another stays (rmdir(2)).
  package static func removeIfEmpty(_ path: String) {
    // SAFETY: the string outlives the call, which only reads it.
    _ = unsafe rmdir(path)
  }

  /// Makes a symbolic link (symlink(2)), which may lead to nothing: a word that is there from the first, and read by one call.
  package static func makeLink(_ path: String, to target: String) throws(SystemCallError) {
    // SAFETY: both strings outlive the call, which only reads them. The error is read before anything else runs here.
    if unsafe symlink(target, path) != 0 { throw SystemCallError("symlink", Errno(rawValue: errno)) }
  }

  /// Where a symbolic link leads, up to 511 bytes of it (readlink(2)); nil when there is none that may be read.
  package static func link(at path: String) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 511) { target in
      // SAFETY: the kernel writes no more bytes than the buffer has, and says how many.
      let count = unsafe readlink(path, target.baseAddress!, target.count)
      return count < 0 ? nil : unsafe String(decoding: target.prefix(count), as: UTF8.self)
    }
  }

  /// Gives a file another path, in the place of what is there (rename(2)).
  package static func rename(_ from: String, to: String) throws(SystemCallError) {
    // SAFETY: both strings outlive the call, which only reads them.
    try checked("rename", unsafe linux_rename(from, to))
  }

  /// Returns when the names in a folder are on stable storage (fsync(2)).
  package static func sync(_ path: String) throws(SystemCallError) {
    try Descriptor.open(path, [.readOnly, .directory]).syncData()
  }

  /// What is in a folder, in no order (readdir(3)).
  package static func names(in path: String) throws(SystemCallError) -> [String] {
    // SAFETY: as above; the stream is closed below and not used after.
    guard let stream = unsafe opendir(path) else { throw SystemCallError("opendir", Errno(rawValue: errno)) }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      // SAFETY: the kernel ends each name with a zero within the array.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
        unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
