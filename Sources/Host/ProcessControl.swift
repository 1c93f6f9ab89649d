import CLinux
import Glibc

/// What this process asks of the kernel for itself.
package enum ProcessControl {
  /// Has the kernel kill this process when the one that started it ends, however that ends (PR_SET_PDEATHSIG).
  package static func endWithParent() throws(SystemCallError) {
    try checked("prctl", linux_die_with_parent(SIGKILL))
  }
}
