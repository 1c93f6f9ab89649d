import Synchronization

/// The PC's keyboard controller, with nothing plugged in: it answers its own commands at once, and resets the machine.
///
/// It is here for `outb(0xfe, 0x64)`, the oldest way of resetting a PC. Kernels that read ACPI's FADT learn there that
/// there is no keyboard controller, and spend no time on it. Others probe it. What makes Linux give up soonest is an
/// output buffer that never runs empty (17 reads, under a millisecond); but kernels and loaders that drain the buffer
/// before they start would then drain it for ever. So it is an honest controller: every command has its answer in the
/// buffer before the guest can ask for it, the mouse port fails its test, and a byte for the keyboard comes back as a
/// time-out, so that no probe has to wait for its own. It raises no interrupt.
///
/// The A20 gate is a bit that is kept: the machine's address line 20 is always on.
package final class I8042: ByteWideDevice {
  /// The number of ports that the device claims, from 0x60: data at 0x60, command and status at 0x64. (The port between
  /// the two that a PC uses, 0x61, belongs to KVM's timer.)
  package static let portCount: UInt64 = 5

  private let state = Mutex(State())
  private let end: EndLatch

  package init(end: EndLatch) { self.end = end }

  package func read(_ register: UInt64) -> UInt8 {
    switch register {
    case 0: state.withLock { $0.readData() }
    case 4: state.withLock { $0.status.rawValue }
    default: 0xff
    }
  }

  package func write(_ register: UInt64, _ value: UInt8) {
    let resets =
      switch register {
      case 0: state.withLock { $0.writeData(value) }
      case 4: state.withLock { $0.writeCommand(value) }
      default: false
      }
    if resets { end.request(.reset) }
  }

  struct State {
    /// Bits of the status register. The input buffer is never full: what is written is done by the time it is asked.
    struct Status: OptionSet {
      let rawValue: UInt8
      static let outputFull = Status(rawValue: 0x01)
      static let selfTested = Status(rawValue: 0x04)
      static let lastWasCommand = Status(rawValue: 0x08)
      static let notLocked = Status(rawValue: 0x10)
      static let outputIsMouse = Status(rawValue: 0x20)
      static let timeout = Status(rawValue: 0x40)
    }

    fileprivate private(set) var status: Status = [.selfTested, .notLocked]
    private var output: UInt8 = 0
    /// The command byte: translating, tested, both ports disabled, no interrupts.
    private var configuration: UInt8 = 0x74
    /// Reset not asserted (bit 0), A20 on (bit 1).
    private var outputPort: UInt8 = 0x03
    /// The command that the next byte written to the data port belongs to.
    private var command: UInt8?

    private static let mousePortDisabled: UInt8 = 0x20
    private static let keyboardPortDisabled: UInt8 = 0x10

    fileprivate mutating func readData() -> UInt8 {
      status.subtract([.outputFull, .outputIsMouse, .timeout])
      return output
    }

    private mutating func answer(_ byte: UInt8, _ extra: Status = []) {
      output = byte
      status.subtract([.outputIsMouse, .timeout])
      status.formUnion(extra.union(.outputFull))
    }

    /// - Returns: whether the machine is to be reset.
    fileprivate mutating func writeCommand(_ value: UInt8) -> Bool {
      status.insert(.lastWasCommand)
      command = nil
      switch value {
      case 0x20: answer(configuration)
      case 0x60, 0xd1...0xd4: command = value
      case 0xa7: configuration |= Self.mousePortDisabled
      case 0xa8: configuration &= ~Self.mousePortDisabled
      case 0xa9: answer(0x01)  // The mouse port's clock line is stuck: nothing to look for there.
      case 0xaa: answer(0x55)  // The controller's self-test has passed.
      case 0xab: answer(0x00)  // The keyboard port's lines are fine.
      case 0xad: configuration |= Self.keyboardPortDisabled
      case 0xae: configuration &= ~Self.keyboardPortDisabled
      case 0xc0: answer(0x80)  // The input port: the keyboard is not locked.
      case 0xd0: answer(outputPort)
      // Pulses those of the output port's low four lines whose bit is 0; the first is the reset.
      case 0xf0...0xff: return value & 0x01 == 0
      default: break
      }
      return false
    }

    /// - Returns: whether the machine is to be reset.
    fileprivate mutating func writeData(_ value: UInt8) -> Bool {
      status.remove(.lastWasCommand)
      defer { command = nil }
      switch command {
      case 0x60: configuration = value
      case 0xd1:
        outputPort = value
        return value & 0x01 == 0
      // To be handed back as if from the keyboard, and from the mouse: a controller without a mouse port does not mark
      // it so.
      case 0xd2, 0xd3: answer(value)
      // To the mouse, and to the keyboard: nobody acknowledges.
      case 0xd4: answer(0xfe, [.timeout, .outputIsMouse])
      default: answer(0xfe, .timeout)
      }
      return false
    }
  }
}
