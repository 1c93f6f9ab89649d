import CLinux

/// The CPUs of this computer that this process may run on.
package enum HostCPU {
  /// Whether threads of this process may run on a CPU (sched_getaffinity(2)).
  package static func isAllowed(_ number: Int) -> Bool {
    Int32(exactly: number).map { linux_cpu_is_allowed($0) > 0 } ?? false
  }

  /// Keeps the calling thread, and what it starts, on these CPUs (sched_setaffinity(2)).
  package static func stay(on cpus: Range<Int>) throws(SystemCallError) {
    try checked("sched_setaffinity", linux_set_affinity(Int32(clamping: cpus.lowerBound), Int32(clamping: cpus.count)))
  }

  /// How many there are.
  package static var count: Int { Int(max(1, linux_cpu_count())) }
}
