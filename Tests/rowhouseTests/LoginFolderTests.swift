import Foundation
import Testing

@testable import rowhouse

/// Who has to know that a guest ends with the login.
@Suite final class LoginFolderTests {
  private let root = FileManager.default.temporaryDirectory.path + "/login-\(UUID().uuidString)"

  deinit { try? FileManager.default.removeItem(atPath: root) }

  private func make(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: root + path, withIntermediateDirectories: true)
  }

  private func goes(_ path: String = "/run/user/1000/rowhouse") -> Bool {
    LoginFolder.goesAtLogout(path, user: (1000, "ann"), root: root)
  }

  @Test func aFolderGoesWhereLogindWatchesItsUser() throws {
    try make("/run/systemd/users")
    #expect(!goes(), "a folder that somebody else has made")
    try make("/run/systemd/users/1000")
    #expect(goes())
    #expect(!goes("/run/user/10001/rowhouse") && !goes("/home/ann/run/rowhouse") && !goes("/run/rowhouse"))
    try make("/var/lib/systemd/linger/bob")
    #expect(goes())
  }

  @Test(arguments: ["systemd", "elogind"])
  func whoLingersKeepsIt(manager: String) throws {
    try make("/run/systemd/users/1000")
    try make("/var/lib/\(manager)/linger/ann")
    #expect(!goes())
  }
}
