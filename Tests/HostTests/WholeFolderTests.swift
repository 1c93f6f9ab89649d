import Foundation
import Host
import Testing

/// Folders are there whole or not at all.
@Suite final class WholeFolderTests {
  private let root = FileManager.default.temporaryDirectory.path + "/whole-\(UUID().uuidString)"

  init() throws { try Folder.make(root) }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  private var path: String { root + "/one" }

  private func write(_ name: String, in folder: String) throws(SystemCallError) {
    try Descriptor.open("\(folder)/\(name)", [.writeOnly, .create], permissions: 0o600).writeAll(name)
  }

  /// A folder with one file in it.
  private func make(_ path: String, with name: String) throws {
    try WholeFolder.make(path) { new throws(SystemCallError) in try write(name, in: new) }
  }

  private func names(_ folder: String) throws -> [String] { try Folder.names(in: folder).sorted() }

  @Test("It is at its path when all is in it, and not before")
  func making() throws {
    let isThere = try WholeFolder.make(path) { new throws(SystemCallError) in
      try write("meter", in: new)
      return (try? FileStatus(of: path)) != nil
    }
    #expect(!isThere)
    #expect(try names(root) == ["one"] && names(path) == ["meter"])
    #expect(try Folder.isOwn(path))
  }

  @Test("Where something is it is not made, and what is there stays")
  func taken() throws {
    try make(path, with: "first")
    try write("file", in: root)
    for taken in [path, root + "/file"] {
      #expect(throws: SystemCallError("rename", .exists)) { try make(taken, with: "second") }
    }
    #expect(try names(root) == ["file", "one"] && names(path) == ["first"])
  }

  @Test("What failed leaves nothing")
  func failure() throws {
    #expect(throws: SystemCallError.self) {
      try WholeFolder.make(path) { new throws(SystemCallError) in
        try write("meter", in: new)
        throw SystemCallError("write", .noMemory)
      }
    }
    #expect(try names(root) == [])
  }

  @Test("What killed programs have left makes way")
  func leftovers() throws {
    // Half made by one program, and half removed by another.
    for name in [".new", ".gone"] {
      try Folder.make("\(root)/\(name)")
      try write("old", in: "\(root)/\(name)")
    }
    try make(path, with: "meter")
    #expect(try names(path) == ["meter"])
    try WholeFolder.remove(path)
    #expect(try names(root) == [])
  }

  @Test("One that holds another folder stays where it is")
  func fullFolder() throws {
    try WholeFolder.make(path) { new throws(SystemCallError) in try Folder.make(new + "/inner") }
    #expect(throws: SystemCallError.self) { try WholeFolder.remove(path) }
    #expect(try names(root) == ["one"])
    #expect(throws: SystemCallError.self) { try WholeFolder.remove(root + "/none") }
  }
}
