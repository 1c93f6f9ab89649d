import Glibc
import Host

/// Kernels that were unpacked before, each a file `KEY.elf` in a folder of the user's own, which may be removed at any
/// time.
///
/// A file comes to its name when it is complete and durable, and is only read from then on; it must also be as long as
/// its bzImage says. So neither a start that was cut off nor one beside this one can leave half a kernel.
package struct KernelCache: Sendable {
  package let path: String

  /// What the files may take together, in bytes; the one that was added last stays in any case.
  static let mostBytes: UInt64 = 512 << 20
  /// What a start writes is its own for so long, in nanoseconds.
  private static let longestWrite: Int64 = 3_600_000_000_000

  /// - Returns: nil for a user who has no place for such a folder.
  package init?() {
    guard let folder = Environment.folder("XDG_CACHE_HOME", usually: ".cache") else { return nil }
    self.init(path: "\(folder)/rowhouse/kernels")
  }

  package init(path: String) { self.path = path }

  /// Whether there is room for a kernel of so many bytes.
  func hasRoom(for bytes: Int) -> Bool { ((try? Folder.freeBytes(path)) ?? 0) >= UInt64(bytes) }

  /// What keys of this folder's kernels depend on, made with the first: bytes of chance, as the target of a link, which
  /// is there as a whole or not at all.
  ///
  /// Who could choose a file's key could have it boot in another's place.
  ///
  /// - Throws: also when somebody else could, as the folder is not this user's alone.
  func secret() throws(SystemCallError) -> [UInt8] {
    try Folder.makeAll(path)
    guard try Folder.isOwn(path) else { throw SystemCallError("open", .notPermitted) }
    let link = "\(path)/secret"
    if let secret = Self.secret(at: link) { return secret }
    let secret = (0..<Self.secretBytes).map { _ in UInt8.random(in: .min ... .max) }  // getrandom(2)
    do throws(SystemCallError) { try Folder.makeLink(link, to: secret.hexadecimal) } catch {
      guard error.errno == .exists, let secret = Self.secret(at: link) else { throw error }
      return secret
    }
    return secret
  }

  private static let secretBytes = 192

  private static func secret(at link: String) -> [UInt8]? {
    Folder.link(at: link).flatMap { [UInt8](hexadecimal: $0) }.flatMap { $0.count == secretBytes ? $0 : nil }
  }

  private func path(of key: String) -> String { "\(path)/\(key).elf" }

  /// A kernel, open for reading, which then counts as used.
  ///
  /// - Returns: nil when it is not there, or not whole.
  func find(_ key: String, bytes: Int) -> Descriptor? {
    guard let file = try? Descriptor.open(path(of: key), .readOnly), let status = try? file.status(),
      status.kind == .regular, status.size == UInt64(bytes)
    else { return nil }
    // Of a folder that may only be read nothing is ever removed.
    try? file.touch()
    return file
  }

  /// Adds a kernel, and removes those that were not used for longest if there are too many.
  ///
  /// - Returns: the kernel, open for reading.
  /// - Throws: when it cannot be written; nothing is left of it then.
  func add(_ kernel: borrowing Mapping, _ key: String) throws(SystemCallError) -> Descriptor {
    try Folder.makeAll(path)
    // Two that add the same at once each have their own, and the second takes the first one's place.
    let temporary = "\(path(of: key)).new-\(getpid())-\(Instant.now.nanoseconds)"
    let new = try Descriptor.open(temporary, [.writeOnly, .create, .exclusive], permissions: 0o400)
    do throws(SystemCallError) {
      // SAFETY: the mapping's own memory, which is only read.
      unsafe try new.writeAll(UnsafeRawBufferPointer(start: kernel.base, count: kernel.count), at: 0)
      // A power failure after the renaming would otherwise leave a file of the right length with zeros in it.
      try new.syncData()
      let file = try Descriptor.open(temporary, .readOnly)
      try Folder.rename(temporary, to: path(of: key))
      removeUnused()
      return file
    } catch {
      Folder.removeFile(temporary)
      throw error
    }
  }

  /// Removes what was not used for longest, until the rest is small enough. What a start that was killed has left half
  /// written goes that way too, an hour later.
  private func removeUnused() {
    let now = Int64(clamping: HostClock.nanosecondsSince1970)
    var files: [(path: String, status: FileStatus)] = []
    for name in (try? Folder.names(in: path)) ?? [] {
      let path = "\(path)/\(name)"
      if let status = try? FileStatus(of: path), status.kind == .regular { files.append((path, status)) }
    }
    files.sort { $0.status.modifiedNanoseconds > $1.status.modifiedNanoseconds }
    var bytes: UInt64 = 0
    for (index, file) in files.enumerated() {
      bytes += file.status.size
      let isBeingWritten = file.path.contains(".elf.new-") && now < file.status.modifiedNanoseconds &+ Self.longestWrite
      if index > 0, bytes > Self.mostBytes, !isBeingWritten { Folder.removeFile(file.path) }
    }
  }
}
