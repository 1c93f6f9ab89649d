import Glibc
import Host
import Testing

@Suite("File replacement")
struct FileReplacementTests {
  /// Runs `body` with the path of a fresh folder, and says what was in it in the end.
  private func inFolder(_ body: (String) throws -> Void) throws -> [String] {
    var template = Array("/tmp/rowhouse-test-XXXXXX".utf8CString)
    // SAFETY: the array's own memory, which ends with a null byte.
    let folder = unsafe template.withUnsafeMutableBufferPointer { name in
      unsafe String(cString: mkdtemp(name.baseAddress!))
    }
    try body(folder)
    let names = try list(folder)
    // SAFETY: here and below, the paths outlive the calls, which only read them.
    for name in names { unsafe remove("\(folder)/\(name)") }
    unsafe rmdir(folder)
    return names
  }

  private func list(_ folder: String) throws -> [String] {
    var names: [String] = []
    // SAFETY: the stream is open until closedir; each entry is copied before the next is read.
    let stream = unsafe try #require(opendir(folder))
    while let entry = unsafe readdir(stream) {
      names.append(
        unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
          unsafe String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    unsafe closedir(stream)
    return names.filter { $0 != "." && $0 != ".." }.sorted()
  }

  private func content(_ path: String) throws -> String {
    String(decoding: try Descriptor.open(path, .readOnly).read(count: 100, at: 0), as: UTF8.self)
  }

  @Test func leavesNothingUntilItWrites() throws {
    let names = try inFolder { folder in
      _ = try FileReplacement(of: "\(folder)/new")
    }
    #expect(names.isEmpty)
  }

  @Test func replacesWhatWasThere() throws {
    let names = try inFolder { folder in
      try Descriptor.open("\(folder)/file", [.writeOnly, .create]).writeAll("an old and longer text")
      let open = try Descriptor.open("\(folder)/file", .readOnly)
      try FileReplacement(of: "\(folder)/file").write("new")
      #expect(try content("\(folder)/file") == "new")
      // Whoever reads the old file goes on reading the old file.
      #expect(try open.read(count: 6, at: 0) == Array("an old".utf8))
    }
    #expect(names == ["file"])
  }

  @Test func followsLinks() throws {
    let names = try inFolder { folder in
      try Descriptor.open("\(folder)/file", [.writeOnly, .create]).writeAll("old")
      // SAFETY: two strings that are only read.
    unsafe symlink("file", "\(folder)/link")
      try FileReplacement(of: "\(folder)/link").write("new")
      #expect(try content("\(folder)/file") == "new")
    }
    #expect(names == ["file", "link"])
  }

  @Test func saysWhyItCannot() throws {
    #expect(throws: SystemCallError("open", .noSuchFile)) { _ = try FileReplacement(of: "/nowhere/file") }
    let names = try inFolder { folder in
      let replacement = try FileReplacement(of: "\(folder)/file")
      // SAFETY: a string that is only read.
    unsafe mkdir("\(folder)/file", 0o700)
      #expect(throws: SystemCallError("rename", .isDirectory)) { try replacement.write("text") }
    }
    #expect(names == ["file"])
  }
}
