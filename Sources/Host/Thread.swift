import CLinux
import Glibc

/// A thread of the host (pthreads(7)), which ends with ``join()``.
package final class Thread: Sendable {
  private let handle: pthread_t

  /// Starts a thread that runs `body` and ends with it.
  ///
  /// - Parameters:
  ///   - name: shown by `ps -L` and `top -H`; at most 15 bytes, the rest is cut.
  ///   - stackBytes: the size of its stack, a multiple of the page size. Only what is touched takes memory.
  package init(
    named name: String, stackBytes: Int = 256 << 10, _ body: sending @escaping () -> Void
  ) throws(SystemCallError) {
    // SAFETY: the reference is taken back exactly once: by the thread, or below when no thread came to be.
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var attributes = pthread_attr_t()
    var handle = pthread_t()
    // SAFETY: attributes and handle are local variables that outlive the calls.
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, stackBytes)
    // SAFETY: the argument is the Start from above, which nobody else takes.
    let failure = unsafe pthread_create(
      &handle, &attributes,
      { argument in
        let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
        Thread.rename(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    // SAFETY: the attributes were initialised above and are not used again.
    unsafe pthread_attr_destroy(&attributes)
    guard failure == 0 else {
      unsafe start.release()
      throw SystemCallError("pthread_create", Errno(rawValue: failure))
    }
    self.handle = handle
  }

  /// Gives the calling thread another name, of at most 15 bytes.
  package static func rename(_ name: String) {
    // SAFETY: the kernel copies the string during the call.
    unsafe name.withCString { name in _ = unsafe linux_set_thread_name(name) }
  }

  /// Waits until the thread has ended. To be called exactly once.
  package func join() {
    pthread_join(handle, nil)
  }

  /// Sends the thread a signal (pthread_kill(3)), to get it out of a system call.
  package func send(signal: Int32) { _ = linux_send_thread_signal(handle, signal) }

  /// Has the calling thread leave all signals but one to the process's other threads.
  package static func leaveSignalsToOthers(but signal: Int32) { _ = linux_block_signals_but(signal) }

  /// The calling thread sleeps until `deadline`, or until the signal comes. One that came after `isWanted` was asked
  /// is not slept through.
  package static func sleep(until deadline: Instant, wokenBy signal: Int32, unless isWanted: () -> Bool) {
    _ = linux_set_blocked(signal, 1)
    if !isWanted() { _ = linux_sleep_until(deadline.nanoseconds, signal) }
    _ = linux_set_blocked(signal, 0)
  }

  /// How often the calling thread has gone to sleep by itself, rather than to make place for another (getrusage(2)).
  package static var sleepCount: Int64 { linux_voluntary_switches() }

  /// Has the calling thread woken as exactly as the host can, and not within the 50 µs that save it wake-ups
  /// (PR_SET_TIMERSLACK).
  package static func wakeExactly() { _ = linux_set_timer_slack(1) }

  /// CPU time that the thread has used so far, in nanoseconds.
  package var cpuNanoseconds: UInt64 { linux_other_thread_cpu_ns(handle) }

  private final class Start {
    let name: String
    let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }
  }
}
