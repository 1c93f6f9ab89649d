import Synchronization

/// The port by which a guest's kernel says that it has panicked (QEMU's docs/specs/pvpanic).
package final class PVPanic: BusDevice {
  /// The number of ports that the device claims.
  package static let portCount: UInt64 = 1

  /// The events that the guest may report: its reads give those that are understood, its writes those that happened.
  package struct Events: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The kernel has panicked and does nothing more.
    package static let panicked = Events(rawValue: 1)
    /// The kernel has panicked and hands over to a crash kernel, which ends the run when it has done its work.
    package static let crashLoaded = Events(rawValue: 2)
  }

  private let end: EndLatch
  private let crashKernelStarted = Atomic<Bool>(false)

  package init(end: EndLatch) { self.end = end }

  /// Whether the kernel has panicked and left the rest to a crash kernel: the end that follows is not a healthy one.
  package var handedToCrashKernel: Bool { crashKernelStarted.load(ordering: .relaxed) }

  package func read(offset: UInt64, size: Int) -> UInt64 {
    UInt64(Events([.panicked, .crashLoaded]).rawValue)
  }

  package func write(offset: UInt64, size: Int, value: UInt64) {
    let events = Events(rawValue: UInt8(truncatingIfNeeded: value))
    if events.contains(.crashLoaded) { crashKernelStarted.store(true, ordering: .relaxed) }
    if events.contains(.panicked) { end.request(.panic) }
  }
}
