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

  /// Has the kernel kill this process when the one that started it ends, however that ends (PR_SET_PDEATHSIG).
  package static func endWithParent() throws(SystemCallError) {
    try checked("prctl", linux_die_with_parent(SIGKILL))
  }

  /// Lets this process have as many files open as the host allows it (RLIMIT_NOFILE); by default it may have 1,024.
  package static func allowManyFiles() { linux_allow_many_files() }

  /// Has all threads share one heap. Else each that allocates first makes one of its own: four system calls, and pages
  /// that no other thread uses. To be called before there are threads.
  package static func shareOneHeap() { linux_use_one_heap() }

  /// Lets go of the code that is resident: most of what a start runs, and the pages that the kernel maps around it, is
  /// never used again. What is comes back page by page, from the page cache.
  package static func releaseCode() { linux_release_code() }
}
