import Glibc
import Host

/// A folder for a test's files, which goes with this object, and they with it.
final class TestFolder {
  let path: String

  init() {
    var template = Array("/tmp/rowhouse-virtio-XXXXXX".utf8CString)
    // SAFETY: the template is this function's own, ends with a zero, and is changed in place.
    path = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
  }

  /// Makes a copy of a file, as another program would find it, and gives its path.
  func copy(_ path: String) throws -> String {
    let file = try Descriptor.open(path, .readOnly)
    let bytes = try file.read(count: Int(try file.status().size), at: 0)
    let copy = try Descriptor.open(path + ".copy", [.readWrite, .create])
    try copy.truncate(to: 0)
    // SAFETY: the array is alive for the call.
    try unsafe bytes.withUnsafeBytes { unsafe try copy.writeAll($0, at: 0) }
    return path + ".copy"
  }

  deinit {
    // SAFETY: the calls only read the strings.
    for name in ["disk", "disk.copy", "base"] { _ = unsafe unlink(path + "/" + name) }
    _ = unsafe rmdir(path)
  }
}
