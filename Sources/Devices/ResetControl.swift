import Synchronization

/// The reset control register of Intel's chipsets, port 0xcf9 (82371SB "PIIX3" data sheet, RC; also ACPI's reset
/// register).
///
/// Bit 2 going from 0 to 1 resets the machine. Bits 1 and 3 choose how thoroughly, and are only kept: every reset here
/// is of the whole machine.
package final class ResetControl: ByteWideDevice {
  /// The number of ports that the device claims.
  package static let portCount: UInt64 = 1

  /// What ACPI's FADT tells kernels to write.
  package static let resetValue: UInt8 = 0x06

  private static let reset: UInt8 = 0x04
  private static let kept: UInt8 = 0x0e

  private let end: EndLatch
  private let register = Atomic<UInt8>(0)

  package init(end: EndLatch) { self.end = end }

  package func read(_ register: UInt64) -> UInt8 {
    register == 0 ? self.register.load(ordering: .relaxed) : 0xff
  }

  package func write(_ register: UInt64, _ value: UInt8) {
    guard register == 0 else { return }
    let before = self.register.exchange(value & Self.kept, ordering: .relaxed)
    if value & ~before & Self.reset != 0 { end.request(.reset) }
  }
}
