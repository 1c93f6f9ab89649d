/// The folders of a process' control groups of cgroup v2, from the first that its mount shows down to its own (the
/// kernel's admin-guide/cgroup-v2.rst). A limit of each of them counts.
struct ControlGroups {
  private let folders: [String]

  /// - Parameter process: its folder in /proc.
  /// - Returns: nil where there is no such hierarchy.
  init?(of process: String) {
    guard let group = Self.lines(of: "\(process)/cgroup").first(where: { $0.hasPrefix("0::") })?.dropFirst(3),
      let mount = Self.lines(of: "\(process)/mountinfo").lazy.compactMap(Mount.init).first
    else { return nil }
    let way = mount.folders(of: group)
    folders = (0...way.count).map { ([mount.point] + way.prefix($0)).joined(separator: "/") }
  }

  /// The least limit in the files of a name, one in each folder that has it, and the path of that file.
  ///
  /// - Parameter read: takes the limit from a file's first line; nil where there is none.
  func leastLimit(in file: String, _ read: (Substring) -> UInt64?) -> (amount: UInt64, path: String)? {
    folders.compactMap { folder in
      let path = "\(folder)/\(file)"
      return Self.lines(of: path).first.flatMap(read).map { ($0, path) }
    }.min { $0.amount < $1.amount }
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
  static func lines(of path: String) -> [Substring] {
    guard let file = try? Descriptor.open(path, .readOnly), let bytes = try? file.read(count: 1 << 20, at: 0) else {
      return []
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }
}
