import CLinux

/// A counter that one side raises and the other waits for (eventfd(2)).
///
/// It carries interrupts and doorbells between rooms that must not know each other: a device signals it, and KVM
/// (irqfd) or the event loop hears it. A class, because both sides keep it.
package final class EventFD: Sendable {
  private let descriptor: Descriptor

  package init() throws(SystemCallError) {
    descriptor = Descriptor(owning: try checked("eventfd", linux_eventfd()))
  }

  /// For `EventLoop` and for KVM's irqfd and ioeventfd.
  package var number: Int32 { descriptor.number }

  /// Adds one. Never blocks: a counter at its maximum is as good as signalled.
  package func signal() {
    var one: UInt64 = 1
    // SAFETY: eight bytes of a local variable are read, as eventfd(2) asks.
    _ = unsafe linux_write(descriptor.number, &one, 8)
  }

  /// Takes what has come since the last call.
  ///
  /// - Returns: the sum of the signals, 0 when there was none.
  @discardableResult
  package func drain() -> UInt64 {
    var count: UInt64 = 0
    // SAFETY: eight bytes are written to a local variable; on EAGAIN it stays 0.
    _ = unsafe linux_read(descriptor.number, &count, 8)
    return count
  }
}
