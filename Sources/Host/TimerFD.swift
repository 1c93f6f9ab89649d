import CLinux

/// An alarm clock that an ``EventLoop`` can wait for (timerfd_create(2)), on the accounting clock.
package struct TimerFD: ~Copyable, Sendable {
  private let descriptor: Descriptor

  package init() throws(SystemCallError) {
    descriptor = Descriptor(owning: try checked("timerfd_create", linux_timerfd()))
  }

  package var number: Int32 { descriptor.number }

  /// Rings once, at `deadline`; one that has passed rings at once.
  package func arm(at deadline: Instant) {
    // An absolute time of 0 would disarm; 1 ns after boot has passed for certain.
    _ = linux_timerfd_arm(descriptor.number, max(1, deadline.nanoseconds), 0)
  }

  package func disarm() { _ = linux_timerfd_arm(descriptor.number, 0, 0) }

  /// Takes note that it rang, so that the event loop does not see it again.
  package func acknowledge() {
    var expirations: UInt64 = 0
    // SAFETY: eight bytes are written to a local variable, as timerfd_create(2) has it.
    _ = unsafe linux_read(descriptor.number, &expirations, 8)
  }
}
