import CLinux

/// The CPUs of this computer.
package enum HostCPU {
  /// Whether threads of this process may run on a CPU.
  package static func isAllowed(_ number: Int) -> Bool { allowed.contains(number) }

  /// The numbers of those that this process may run on, in ascending order; none when that cannot be asked
  /// (sched_getaffinity(2)).
  package static var allowed: [Int] {
    var numbers = [Int32](repeating: 0, count: largestCount)
    // SAFETY: the array's own memory, and its true size.
    let count = unsafe linux_allowed_cpus(&numbers, Int32(numbers.count))
    return numbers.prefix(Int(max(0, count))).map { Int($0) }
  }

  /// CPU_SETSIZE of the C library.
  private static let largestCount = 1024

  /// Keeps the calling thread, and what it starts, on these CPUs (sched_setaffinity(2)).
  package static func stay(on cpus: [Int]) throws(SystemCallError) {
    let numbers = cpus.map { Int32(clamping: $0) }
    // SAFETY: the array outlives the call, which only reads its numbers.
    try checked("sched_setaffinity", unsafe linux_set_affinity(numbers, Int32(numbers.count)))
  }

  /// How many are online, whether this process may run on them or not (sysconf(3), _SC_NPROCESSORS_ONLN).
  package static var count: Int { Int(max(1, linux_cpu_count())) }
}
