import Host

/// An edge-triggered interrupt pin: who holds one end may pulse it.
///
/// The other end is bound to KVM's interrupt controllers (irqfd), or read by a test.
package struct InterruptLine: Sendable {
  package let event: EventFD

  package init() throws(SystemCallError) { event = try EventFD() }

  /// Raises the line and lowers it again: one rising edge.
  package func pulse() { event.signal() }
}
