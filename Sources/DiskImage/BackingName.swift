import Glibc
import Host

/// How an image names the file that it stands on: from its own folder, wherever the person was who made it.
package enum BackingName {
  /// The name that the image at `path` gives to `base`; both paths start from the current folder.
  ///
  /// - Throws: when one of the two folders is not there.
  package static func of(_ base: String, from path: String) throws(ImageError) -> String {
    let (baseFolder, file) = split(base)
    let (folder, _) = split(path)
    if base.hasPrefix("/") { return base }
    if baseFolder == folder { return plain(file) }
    return plain(relative(try real(baseFolder, of: base), to: try real(folder, of: path)) + file)
  }

  /// The way from one folder to another, both absolute and free of links: a link's ".." is not where it was reached
  /// from.
  /// Ends in "/" unless it is empty.
  package static func relative(_ target: String, to start: String) -> String {
    let target = target.split(separator: "/")
    let start = start.split(separator: "/")
    let common = zip(target, start).prefix { $0 == $1 }.count
    let steps = Array(repeating: "..", count: start.count - common) + target[common...].map(String.init)
    return steps.map { $0 + "/" }.joined()
  }

  /// A colon in the first part of a name would make it a protocol's.
  static func plain(_ name: String) -> String {
    name.prefix { $0 != "/" }.contains(":") ? "./" + name : name
  }

  static func split(_ path: String) -> (folder: String, file: String) {
    let parts = path.pathParts
    return (parts.folder.isEmpty ? "." : String(parts.folder), String(parts.name))
  }

  private static func real(_ folder: String, of path: String) throws(ImageError) -> String {
    // SAFETY: the string outlives the call, which only reads it; without a buffer the answer is allocated, or null.
    guard let resolved = unsafe realpath(folder, nil) else {
      throw ImageError(path, .host(SystemCallError("realpath", Errno(rawValue: errno))))
    }
    // SAFETY: a string that ends in zero, ours to free once it is copied.
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}
