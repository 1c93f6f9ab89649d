import CLinux
import Glibc

/// An alarm clock that sends a signal to the thread that made it (timer_create(2), SIGEV_THREAD_ID).
package struct ThreadTimer: ~Copyable {
  package enum Clock: Sendable {
    /// The one clock for all accounting.
    case accounting
    /// The calling thread's CPU time. The kernel looks at it in its tick, so it rings some milliseconds late.
    case threadCPUTime
    /// The CPU time of all threads of this process. It rings late in the same way.
    case processCPUTime

    fileprivate var number: Int32 {
      switch self {
      case .accounting: CLOCK_MONOTONIC
      case .threadCPUTime: CLOCK_THREAD_CPUTIME_ID
      case .processCPUTime: CLOCK_PROCESS_CPUTIME_ID
      }
    }
  }

  private let timer: Int32

  package init(_ clock: Clock, signal: Int32) throws(SystemCallError) {
    timer = try checked("timer_create", linux_thread_timer(clock.number, signal))
  }

  deinit { _ = linux_thread_timer_delete(timer) }

  /// Rings once, when so much of the clock's time has passed.
  package func arm(after nanoseconds: UInt64) { _ = linux_thread_timer_arm(timer, max(1, nanoseconds)) }
  package func disarm() { _ = linux_thread_timer_arm(timer, 0) }
}
