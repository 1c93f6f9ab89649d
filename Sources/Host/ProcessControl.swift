import CLinux
import Glibc

/// What this process asks of the kernel for itself.
package enum ProcessControl {
  /// Leaves the terminal that this process was started on, and its job (setsid(2)).
  package static func leaveSession() throws(SystemCallError) { try checked("setsid", linux_new_session()) }

  /// Puts another open file in the place of a standard descriptor (dup2(2)).
  package static func replace(_ number: Int32, by file: borrowing Descriptor) throws(SystemCallError) {
    try checked("dup2", linux_replace(file.number, number))
  }

  /// Has the calling thread, and what it starts, run on these CPUs of the computer only (sched_setaffinity(2)).
  package static func run(onCPUs cpus: Range<Int>) throws(SystemCallError) {
    try checked("sched_setaffinity", linux_set_affinity(Int32(cpus.lowerBound), Int32(cpus.count)))
  }

  /// The most of this process that was ever resident, in bytes (getrusage(2)).
  package static var peakResidentBytes: UInt64 {
    var usage = rusage()
    // SAFETY: a local variable of the type that the call fills.
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return UInt64(max(0, usage.ru_maxrss)) << 10
  }

  /// Has the kernel kill this process when the one that started it ends, however that ends (PR_SET_PDEATHSIG).
  package static func endWithParent() throws(SystemCallError) {
    try checked("prctl", linux_die_with_parent(SIGKILL))
  }

  /// Has all threads share one heap. Else each that allocates first makes one of its own: four system calls, and pages
  /// that no other thread uses. To be called before there are threads.
  package static func shareOneHeap() { linux_use_one_heap() }

  /// Lets go of the code that is resident: most of what a start runs, and the pages that the kernel maps around it, is
  /// never used again. What is comes back page by page, from the page cache.
  package static func releaseCode() { linux_release_code() }
}
