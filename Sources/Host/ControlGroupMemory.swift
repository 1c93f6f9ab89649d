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
    guard let least = ControlGroups(of: process)?.leastLimit(in: "memory.max", { UInt64($0) }) else { return nil }
    self.init(bytes: least.amount, path: least.path)
  }

  /// What the group that has the limit uses, in bytes, without files' contents that it has not used of late
  /// (`inactive_file`), which the kernel gives up first; nil where it does not say.
  package var inUse: UInt64? {
    let folder = path.pathParts.folder
    let inactive = ControlGroups.lines(of: "\(folder)memory.stat").lazy.compactMap { line -> UInt64? in
      let words = line.split(separator: " ")
      return words.first == "inactive_file" ? words.last.flatMap { UInt64($0) } : nil
    }.first
    guard let current = ControlGroups.lines(of: "\(folder)memory.current").first.flatMap({ UInt64($0) }), let inactive
    else { return nil }
    return current - min(current, inactive)
  }
}
