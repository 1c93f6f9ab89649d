import Hardware
import Synchronization

private let buttonVector = Interrupts.firstAPICVector
private let isPressed = Atomic<Bool>(false)

/// Waits for the power button, as an operating system does: by the system control interrupt, which tells of what is set
/// in the PM1 status register and enabled (ACPI 6.4, 4.8.2.1, 4.8.3.1). Then it powers off.
@main enum Button: Guest {
  /// PWRBTN_STS and PWRBTN_EN.
  private static let powerButton: UInt16 = 1 << 8

  static func run(_ start: StartInfo) {
    guard let rsdp = start.rsdp else { fail("there are no ACPI tables") }
    let events = ACPITables(rsdp: rsdp).eventBlock()
    Interrupts.configure()
    Interrupts.handle(buttonVector) {
      let status = inw(events.statusPort)
      expect(status & powerButton != 0, "an interrupt without an event: the status is \(hex: UInt64(status))")
      outw(events.statusPort, powerButton)
      expect(inw(events.statusPort) & powerButton == 0, "the button's status stays set")
      isPressed.store(true, ordering: .relaxed)
    }
    IOAPIC.route(line: events.interrupt, to: buttonVector)
    outw(events.enablePort, powerButton)
    say("waiting for the power button")
    Interrupts.wait { isPressed.load(ordering: .relaxed) }
    say("the power button was pressed")
  }
}
