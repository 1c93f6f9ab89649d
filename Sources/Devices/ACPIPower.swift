import Host
import Synchronization

/// ACPI's fixed hardware: power button, sleep control and power management timer (ACPI 6.5, section 4.8).
///
/// Twelve ports: the PM1a event block (status and enable, 16 bits each) at 0, the PM1a control block (16 bits) at 4,
/// the PM timer (32 bits) at 8. There is no legacy mode, no system management mode and no general-purpose event.
package final class ACPIPower: BusDevice {
  /// The number of ports that the device claims, and where the blocks are in it.
  package static let portCount: UInt64 = 12
  package static let eventOffset: UInt64 = 0
  package static let controlOffset: UInt64 = 4
  package static let timerOffset: UInt64 = 8

  /// The number that the DSDT's `\_S5` object gives for "off", to be written to SLP_TYP.
  package static let powerOffSleepType: UInt8 = 0

  /// Frequency of the PM timer in hertz (section 4.8.3.3).
  package static let timerHertz: UInt64 = 3_579_545

  private let state: Mutex<State>
  private let systemControlInterrupt: InterruptLine
  private let end: EndLatch
  private let now: @Sendable () -> Instant

  /// - Parameters:
  ///   - interrupt: the system control interrupt. The tables must call it edge-triggered.
  ///   - now: the time, which a test may make up.
  package init(interrupt: InterruptLine, end: EndLatch, now: @escaping @Sendable () -> Instant = { Instant.now }) {
    systemControlInterrupt = interrupt
    self.end = end
    self.now = now
    state = Mutex(State(timerStart: now()))
  }

  /// Presses the power button and lets it go: a kernel that listens shuts down.
  package func pressPowerButton() {
    if state.withLock({ $0.pressPowerButton() }) { systemControlInterrupt.pulse() }
  }

  package func read(offset: UInt64, size: Int) -> UInt64 {
    // Any size at any offset: the block's bytes from there on, as ACPI lets the operating system choose the width.
    let shift = 8 * (offset & 7)
    if offset < Self.timerOffset { return state.withLock { $0.registers } >> shift }
    return UInt64(state.withLock { $0.timer(at: now()) }) >> shift
  }

  package func write(offset: UInt64, size: Int, value: UInt64) {
    guard offset < Self.timerOffset else { return }
    let shift = 8 * (offset & 7)
    let lanes = UInt64(truncatingIfNeeded: (1 << UInt64(8 * size)) - 1) << shift
    let (pulses, sleepType) = state.withLock { $0.write(value << shift, lanes: lanes) }
    if pulses { systemControlInterrupt.pulse() }
    if sleepType == Self.powerOffSleepType { end.request(.powerOff) }
  }

  struct State {
    private static let powerButton: UInt16 = 0x0100
    /// Timer, global lock, power button, sleep button, clock: an operating system checks that what it enables stays so.
    private static let enableBits: UInt16 = 0x0721
    private static let sciEnable: UInt16 = 0x0001
    private static let sleepEnable: UInt16 = 0x2000

    private var pm1Status: UInt16 = 0
    private var pm1Enable: UInt16 = 0
    private let timerStart: Instant

    init(timerStart: Instant) { self.timerStart = timerStart }

    /// The event and control blocks as the guest reads them. SLP_EN reads as 0, SCI_EN as 1: ACPI mode is the only one.
    var registers: UInt64 { UInt64(pm1Status) | UInt64(pm1Enable) << 16 | UInt64(Self.sciEnable) << 32 }

    func timer(at now: Instant) -> UInt32 {
      let product = now.nanoseconds(since: timerStart).multipliedFullWidth(by: timerHertz)
      // The product's upper half is below the frequency, and so below the divisor: no overflow.
      return UInt32(truncatingIfNeeded: UInt64(1_000_000_000).dividingFullWidth(product).quotient)
    }

    private var isPending: Bool { pm1Status & pm1Enable != 0 }

    /// - Returns: whether the interrupt is to be pulsed.
    mutating func pressPowerButton() -> Bool {
      pm1Status |= Self.powerButton
      return isPending
    }

    /// Writes the bytes that `lanes` selects of the event and control blocks.
    ///
    /// - Returns: whether the interrupt is to be pulsed, and the sleep state that the guest asks for.
    mutating func write(_ value: UInt64, lanes: UInt64) -> (pulses: Bool, sleepType: UInt8?) {
      // A status bit is cleared by writing 1 to it (section 4.8.3.1.1).
      pm1Status &= ~UInt16(truncatingIfNeeded: value & lanes)
      let enableLanes = UInt16(truncatingIfNeeded: lanes >> 16)
      let enable = pm1Enable & ~enableLanes | UInt16(truncatingIfNeeded: value >> 16) & enableLanes
      pm1Enable = enable & Self.enableBits
      let control = UInt16(truncatingIfNeeded: (value & lanes) >> 32)
      // Pulsed also when the guest has left something pending: the controller sees edges only.
      let touchesEvents = lanes & 0xffff_ffff != 0
      let sleepType = control & Self.sleepEnable != 0 ? UInt8(control >> 10 & 0x07) : nil
      return (touchesEvents && isPending, sleepType)
    }
  }
}
