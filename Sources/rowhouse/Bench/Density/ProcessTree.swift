import Host

/// Which processes have started which (proc(5), /proc/PID/stat), as it is when this value is made.
struct ProcessTree {
  private var children: [Int32: [Int32]] = [:]

  init() throws(SystemCallError) {
    for process in try Folder.names(in: "/proc").compactMap(Int32.init) {
      // One that has ended since is nobody's child.
      guard let parent = ProcessStat(of: process).flatMap(Self.parent) else { continue }
      children[parent, default: []].append(process)
    }
  }

  /// A process, those that it has started, those that they have, and so on.
  func processes(from process: Int32) -> [Int32] {
    [process] + (children[process] ?? []).flatMap { processes(from: $0) }
  }

  static func parent(_ stat: ProcessStat) -> Int32? { stat.number(4) }
}
