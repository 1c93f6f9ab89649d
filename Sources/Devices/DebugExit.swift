/// The port with which a test ends its own run and hands out a number, as QEMU's `isa-debug-exit` has it.
package final class DebugExit: BusDevice {
  /// The number of ports that the device claims, so that a write of up to 32 bits fits.
  package static let portCount: UInt64 = 4

  private let end: EndLatch

  package init(end: EndLatch) { self.end = end }

  package func read(offset: UInt64, size: Int) -> UInt64 { 0 }

  /// Ends the run; the value's size decides nothing, nor does the offset.
  package func write(offset: UInt64, size: Int, value: UInt64) {
    end.request(.debugExit(UInt32(truncatingIfNeeded: value)))
  }
}
