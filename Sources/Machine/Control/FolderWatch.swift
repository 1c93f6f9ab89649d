import Host

/// Looks whether a guest's folder is still there, as nobody can find or stop a detached guest without it.
///
/// It looks when asked to, which is at the pace of the halt watch: one system call, at least every five seconds. A
/// watch of the kernel's own (inotify) would say it at once, but each user may have 128 of these, and a street has more
/// guests.
struct FolderWatch {
  enum Look {
    case nothingNew
    /// The folder has just been found removed.
    case lost
    /// It has been for as long as a guest gets to shut down.
    case overdue
  }

  /// When a guest that has lost its folder must have ended.
  private(set) var deadline: Instant?

  /// As `rowhouse stop` gives it, unless it is told otherwise.
  private static let grace: UInt64 = 10_000_000_000

  mutating func look(at folder: OpenFolder, _ now: Instant = .now) -> Look {
    if let deadline { return now < deadline ? .nothingNew : .overdue }
    guard folder.isRemoved else { return .nothingNew }
    deadline = now.advanced(byNanoseconds: Self.grace)
    return .lost
  }
}
