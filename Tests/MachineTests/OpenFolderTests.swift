import Foundation
import Host
import RefusedCalls
import Testing

@testable import Machine

/// What a VMM leaves of a guest whose folder was removed.
@Suite final class OpenFolderTests {
  private let street = FileManager.default.temporaryDirectory.path + "/street-\(UUID().uuidString)"

  deinit { try? FileManager.default.removeItem(atPath: street) }

  @Test("It has the guest's name, or one with a number, and none that is too long", arguments: [
    ("one", ["one", "one.1", "one.2"]),
    (
      String(repeating: "a", count: 61) + ".b",
      [String(repeating: "a", count: 61) + ".b", String(repeating: "a", count: 61) + ".1",
       String(repeating: "a", count: 61) + ".2"]
    ),
  ])
  func names(name: String, left: [String]) throws {
    for number in 0..<3 { try OpenFolder.leave(meter: [UInt8(number)], message: "said\n", at: "\(street)/\(name)") }
    #expect(try Folder.names(in: street).sorted() == left.sorted())
    for (number, name) in left.enumerated() {
      #expect(name.utf8.count <= 63)
      #expect(try Folder.names(in: "\(street)/\(name)").sorted() == ["meter", "vmm.log"])
      #expect(try Data(contentsOf: URL(filePath: "\(street)/\(name)/meter")) == Data([UInt8(number)]))
    }
  }

  @Test("What could be gone after a power failure gets no name, and is left somewhere else")
  func durability() throws {
    let street = street
    #expect(throws: SystemCallError.self) {
      try onItsOwnThread {
        try RefusedCall.syncData.refuse()
        try OpenFolder.leave(meter: [1], message: "said\n", at: "\(street)/one")
      }
    }
    #expect(try Folder.names(in: street) == [])
  }
}
