import CLinux

/// The CPUs of this computer that this process may run on.
package enum HostCPU {
  /// Whether threads of this process may run on a CPU (sched_getaffinity(2)).
  package static func isAllowed(_ number: Int) -> Bool {
    Int32(exactly: number).map { linux_cpu_is_allowed($0) > 0 } ?? false
  }

  /// Keeps the calling thread on one CPU (sched_setaffinity(2)).
  package static func stay(on number: Int) throws(SystemCallError) {
    try checked("sched_setaffinity", linux_stay_on_cpu(Int32(clamping: number)))
  }

  /// How many there are.
  package static var count: Int { Int(max(1, linux_cpu_count())) }
}
