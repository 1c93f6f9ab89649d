/// How much memory the control groups of a process let it have: the least `memory.max` from its own group of cgroup v2
/// upwards (the kernel's admin-guide/cgroup-v2.rst, "Memory Interface Files"). Containers and sessions have one.
package struct ControlGroupMemory: Equatable, Sendable {
  /// Without swap space.
  package let bytes: UInt64
  /// The file that says so.
  package let path: String

  package init(bytes: UInt64, path: String) {
    self.bytes = bytes
    self.path = path
  }

  /// - Parameter process: its folder in /proc.
  /// - Returns: nil where no group has a limit that can be seen.
  package init?(of process: String = "/proc/self") {
    guard let group = Self.lines(of: "\(process)/cgroup").first(where: { $0.hasPrefix("0::") })?.dropFirst(3),
      let mount = Self.lines(of: "\(process)/mountinfo").lazy.compactMap(Mount.init).first
    else { return nil }
    let folders = mount.folders(of: group)
    let limits = (0...folders.count).compactMap { depth -> ControlGroupMemory? in
      let path = ([mount.point] + folders.prefix(depth) + ["memory.max"]).joined(separator: "/")
      return Self.lines(of: path).first.flatMap { UInt64($0) }.map { ControlGroupMemory(bytes: $0, path: path) }
    }
    guard let least = limits.min(by: { $0.bytes < $1.bytes }) else { return nil }
    self = least
  }

  /// Where a hierarchy of cgroup v2 is mounted, and from which of its groups on.
  private struct Mount {
    let point: String
    let root: String

    /// - Parameter line: of mountinfo (proc(5)): the fourth field is the root, the fifth the mount point, and behind a
    ///   dash comes the type of the file system.
    init?(_ line: Substring) {
      let fields = line.split(separator: " ").map(String.init)
      guard let dash = fields.firstIndex(of: "-"), dash > 4, dash + 1 < fields.count, fields[dash + 1] == "cgroup2"
      else { return nil }
      (root, point) = (fields[3], fields[4])
    }

    /// The way from the mount point to a group, none where the group is not below it.
    func folders(of group: Substring) -> [String] {
      let (way, start) = (group.split(separator: "/"), root.split(separator: "/"))
      guard way.starts(with: start), !way.contains("..") else { return [] }
      return way.dropFirst(start.count).map(String.init)
    }
  }

  /// None for a file that cannot be read.
  private static func lines(of path: String) -> [Substring] {
    guard let file = try? Descriptor.open(path, .readOnly), let bytes = try? file.read(count: 1 << 20, at: 0) else {
      return []
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }
}
