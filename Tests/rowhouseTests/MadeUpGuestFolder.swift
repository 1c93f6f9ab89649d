import Foundation
import Host

@testable import rowhouse

extension GuestFolder {
  /// An empty one of its own for a test, which plays its VMM and takes it away.
  static func made() throws -> GuestFolder {
    let path = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"
    try Folder.make(path)
    return GuestFolder(name: try GuestName("one", option: ""), path: path)
  }
}
