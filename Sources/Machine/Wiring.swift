import Devices
import GuestMemory
import Host
import KVM

/// The events between a machine's devices and KVM, collected while the devices are made and bound when the machine is.
struct Wiring: Sendable {
  private struct Interrupt {
    let line: InterruptLine
    let gsi: UInt32
  }

  private struct Doorbell {
    let event: EventFD
    let register: GuestAddress
    let value: UInt32
  }

  private var interrupts: [Interrupt] = []
  private var doorbells: [Doorbell] = []

  /// A new interrupt pin, for the global system interrupt `gsi`.
  mutating func line(_ gsi: UInt32) throws(SystemCallError) -> InterruptLine {
    let line = try InterruptLine()
    interrupts.append(Interrupt(line: line, gsi: gsi))
    return line
  }

  /// Has `event` signalled when the guest writes `value` to a register.
  mutating func add(doorbell event: EventFD, at register: GuestAddress, value: UInt32) {
    doorbells.append(Doorbell(event: event, register: register, value: value))
  }

  func connect(to machine: VirtualMachine) throws(KVMError) {
    for interrupt in interrupts { try machine.connect(interrupt.line.event, toInterrupt: interrupt.gsi) }
    for doorbell in doorbells {
      try machine.connect(doorbell: doorbell.event, at: doorbell.register, value: doorbell.value)
    }
  }
}
