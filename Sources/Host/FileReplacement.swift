import CLinux
import Glibc

/// A file's new content: it takes the file's name in one step once it is complete, so nobody ever reads half of it.
package struct FileReplacement: Sendable {
  /// Where the file really is, links followed: it is the file that is replaced, not the link.
  private let path: String
  private var temporary: String { "\(path).new-\(getpid())" }

  /// Finds out whether the file can be replaced, by making the new one and removing it again.
  package init(of path: String) throws(SystemCallError) {
    // SAFETY: realpath returns nil or a string of its own, which is copied and freed here.
    if let resolved = unsafe realpath(path, nil) {
      self.path = unsafe String(cString: resolved)
      unsafe free(resolved)
    } else {
      self.path = path
    }
    _ = try create()
    removeTemporary()
  }

  private func removeTemporary() { Folder.removeFile(temporary) }

  private func create() throws(SystemCallError) -> Descriptor {
    try .open(temporary, [.writeOnly, .create, .exclusive])
  }

  package func write(_ text: String) throws(SystemCallError) {
    do throws(SystemCallError) {
      try create().writeAll(text)
      try Folder.rename(temporary, to: path)
    } catch {
      removeTemporary()
      throw error
    }
  }
}
