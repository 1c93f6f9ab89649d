import Host
import Synchronization

/// The PC's calendar clock and its 128 bytes of battery-backed memory (Motorola MC146818A), in UTC.
///
/// Port 0 of the two selects a byte, port 1 reads or writes it. The selecting port's bit 7 masks the non-maskable
/// interrupt in a PC; KVM's cannot be masked there, and the bit is dropped.
///
/// The clock raises no interrupt and its alarm never matches: the tables give it no interrupt line. Status register C
/// still says what has happened since it was last read, for kernels that measure time by polling it.
package final class CMOSClock: ByteWideDevice {
  /// The number of ports that the device claims.
  package static let portCount: UInt64 = 2

  /// Where the century is kept, for ACPI's FADT.
  package static let centuryIndex: UInt8 = 0x32

  private let state: Mutex<State>
  private let now: @Sendable () -> UInt64

  /// - Parameters:
  ///   - lowMemory: bytes of RAM below 4 GiB, for kernels that look into CMOS memory for it.
  ///   - highMemory: bytes of RAM above 4 GiB.
  ///   - now: nanoseconds since 1970-01-01 00:00 UTC, which a test may make up.
  package init(
    lowMemory: UInt64, highMemory: UInt64, now: @escaping @Sendable () -> UInt64 = { HostClock.nanosecondsSince1970 }
  ) {
    self.now = now
    state = Mutex(State(lowMemory: lowMemory, highMemory: highMemory, now: now()))
  }

  package func read(_ register: UInt64) -> UInt8 {
    guard register == 1 else { return 0xff }
    let now = now()
    return state.withLock { $0.read(at: now) }
  }

  package func write(_ register: UInt64, _ value: UInt8) {
    switch register {
    case 0: state.withLock { $0.index = Int(value & 0x7f) }
    case 1:
      let now = now()
      state.withLock { $0.write(value, at: now) }
    default: break
    }
  }
}
