import Host

/// Which processes have started which (proc(5), /proc/PID/stat), as it is when this value is made.
struct ProcessTree {
  private var children: [Int32: [Int32]] = [:]

  init() throws(SystemCallError) {
    for process in try Folder.names(in: "/proc").compactMap(Int32.init) {
      // One that has ended since is nobody's child.
      guard let file = try? Descriptor.open("/proc/\(process)/stat", .readOnly),
        let bytes = try? file.read(atMost: 1 << 12), let parent = Self.parent(String(decoding: bytes, as: UTF8.self))
      else { continue }
      children[parent, default: []].append(process)
    }
  }

  /// A process, those that it has started, those that they have, and so on.
  func processes(from process: Int32) -> [Int32] {
    [process] + (children[process] ?? []).flatMap { processes(from: $0) }
  }

  static func parent(_ stat: String) -> Int32? {
    // The second field, the program's name in parentheses, may have spaces and parentheses in it.
    guard let name = stat.lastIndex(of: ")") else { return nil }
    // Field 4, where the first one here is field 3.
    return stat[stat.index(after: name)...].split(separator: " ").dropFirst().first.flatMap { Int32($0) }
  }
}
