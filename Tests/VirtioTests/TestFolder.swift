import Glibc

/// A folder for a test's files, which goes with this object, and they with it.
final class TestFolder {
  let path: String

  init() {
    var template = Array("/tmp/rowhouse-virtio-XXXXXX".utf8CString)
    // SAFETY: the template is this function's own, ends with a zero, and is changed in place.
    path = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit {
    // SAFETY: the calls only read the strings.
    for name in ["disk", "disk.copy", "base"] { _ = unsafe unlink(path + "/" + name) }
    _ = unsafe rmdir(path)
  }
}
