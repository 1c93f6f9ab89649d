import Host

/// Folders that logind makes at a user's first login and removes at the last logout (logind.conf(5), loginctl(1)).
enum LoginFolder {
  /// Whether a folder goes when its user logs out.
  ///
  /// - Parameters:
  ///   - user: the user's number and name.
  ///   - root: where the file system begins.
  static func goesAtLogout(_ path: String, user: (number: UInt32, name: String), root: String = "") -> Bool {
    func isThere(_ path: String) -> Bool { (try? FileStatus(of: root + path)) != nil }
    return path.hasPrefix("/run/user/\(user.number)/")
      // Whom logind watches, and for whom it keeps the folder all the same.
      && isThere("/run/systemd/users/\(user.number)")
      && !["systemd", "elogind"].contains { isThere("/var/lib/\($0)/linger/\(user.name)") }
  }
}
