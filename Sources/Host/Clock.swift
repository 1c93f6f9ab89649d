import CLinux

/// A moment on the one clock for all accounting: CLOCK_MONOTONIC, in nanoseconds since the host started.
package struct Instant: Comparable, Hashable, Sendable {
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package static var now: Instant { Instant(nanoseconds: linux_monotonic_ns()) }

  package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// This moment and `nanoseconds` later; the far end of time instead of overflow.
  package func advanced(byNanoseconds nanoseconds: UInt64) -> Instant {
    let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  /// Nanoseconds from `earlier` to this moment, 0 when `earlier` is later.
  package func nanoseconds(since earlier: Instant) -> UInt64 {
    self > earlier ? nanoseconds - earlier.nanoseconds : 0
  }
}

/// The host's other clocks.
package enum HostClock {
  /// Nanoseconds since 1970-01-01 00:00 UTC (CLOCK_REALTIME), for calendars only, never for accounting.
  package static var nanosecondsSince1970: UInt64 { linux_realtime_ns() }

  /// CPU time of the calling thread so far, in nanoseconds (CLOCK_THREAD_CPUTIME_ID).
  package static var threadCPUNanoseconds: UInt64 { linux_thread_cpu_ns() }

  /// CPU time of all this process' threads so far, those that have ended and the kernel's workers for its rings with
  /// them, in nanoseconds (CLOCK_PROCESS_CPUTIME_ID). What another thread has used since the kernel last looked at it,
  /// a tick ago at most, is not in it yet.
  package static var processCPUNanoseconds: UInt64 { linux_process_cpu_ns() }
}
