/// How much CPU time the control groups of a process let it have: the least `cpu.max` from its own group of cgroup v2
/// upwards (the kernel's admin-guide/cgroup-v2.rst, "CPU Interface Files").
package struct ControlGroupCPU: Equatable, Sendable {
  /// Hundredths of a per cent of one CPU.
  package let basisPoints: UInt64
  /// The file that says so.
  package let path: String

  package init(basisPoints: UInt64, path: String) {
    self.basisPoints = basisPoints
    self.path = path
  }

  /// - Parameter process: its folder in /proc.
  /// - Returns: nil where no group has a limit that can be seen.
  package init?(of process: String = "/proc/self") {
    guard let least = ControlGroups(of: process)?.leastLimit(in: "cpu.max", Self.basisPoints) else { return nil }
    self.init(basisPoints: least.amount, path: least.path)
  }

  /// - Parameter line: "max 100000", or microseconds in a period of microseconds.
  private static func basisPoints(_ line: Substring) -> UInt64? {
    let words = line.split(separator: " ").map { UInt64($0) }
    guard words.count == 2, let quota = words[0], let period = words[1], period > 0 else { return nil }
    let (product, overflow) = quota.multipliedReportingOverflow(by: 10_000)
    return overflow ? nil : product / period
  }
}
