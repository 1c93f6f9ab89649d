import Hardware

/// The ways for a guest to end. A guest is a test: how it ended is its result (docs/guests.md has the
/// table).
enum Machine {
  /// Where ISA debug exit listens. The VMM ends with status `value << 1 | 1`.
  private static let debugExitPort: UInt16 = 0xf4
  private static let panicPort: UInt16 = 0x505
  private static let keyboardCommandPort: UInt16 = 0x64

  /// ACPI S5. The first write is for Rowhouse (and QEMU's PC machines with their firmware's settings):
  /// SLP_EN and SLP_TYP 0 in the PM1a control register (ACPI 6.4, 4.8.3.2.1). QEMU's microvm has ACPI's
  /// reduced hardware instead: SLP_EN and SLP_TYP 5 in the sleep control register (4.8.3.7), at the address
  /// that QEMU gives it. A machine that ignores both has no power switch, which must not look like success.
  static func powerOff() -> Never {
    outw(0x604, 1 << 13)
    mmio_write8(0xfea0_0200, 1 << 5 | 5 << 2)
    waitForTheEnd()
    fail("the machine did not power off")
  }

  /// Ends the VMM with status `value << 1 | 1`.
  static func debugExit(_ value: UInt32) -> Never {
    outl(debugExitPort, value)
    tripleFault()
  }

  /// Tells the pvpanic device (QEMU, docs/specs/pvpanic) that the guest has panicked, and stops.
  static func panic() -> Never {
    let events = inb(panicPort)  // the ones the device knows; all ones where no device answers
    expect(events != 0xff && events & 1 != 0, "there is no pvpanic device that takes a panic")
    outb(panicPort, 1)
    hang()
  }

  /// Tells the pvpanic device that the guest has panicked and that a crash kernel goes on.
  static func handOverToCrashKernel() {
    expect(inb(panicPort) & 2 != 0, "there is no pvpanic device that knows of crash kernels")
    outb(panicPort, 2)
  }

  /// An exception that no descriptor table can take: the processor shuts down (SDM volume 3, 6.15,
  /// interrupt 8).
  static func tripleFault() -> Never {
    lidt(0, 0)
    ud2()
    hang()
  }

  /// Halts for good: interrupts are off.
  static func hang() -> Never {
    while true {
      cli()
      hlt()
    }
  }

  /// Pulses the reset line through the keyboard controller.
  static func resetByKeyboardController() -> Never {
    outb(keyboardCommandPort, 0xfe)
    waitForTheEnd()
    fail("the keyboard controller did not reset the machine")
  }

  /// A hard reset through the chipset's reset control register (Intel ICH9 data sheet, 13.7.5): first the
  /// kind, then the go.
  static func resetByControlRegister() -> Never {
    outb(0xcf9, 0x02)
    outb(0xcf9, 0x06)
    waitForTheEnd()
    fail("port 0xcf9 did not reset the machine")
  }

  /// A reset in the way that the ACPI tables describe.
  static func reset(by register: ACPITables.ResetRegister) -> Never {
    if register.isPort {
      outb(UInt16(register.address), register.value)
    } else {
      mmio_write8(UInt(register.address), register.value)
    }
    waitForTheEnd()
    fail("the ACPI reset register did not reset the machine")
  }

  /// A machine may run on for a moment after it was told to stop. A port access takes about a microsecond
  /// on hardware and several in a virtual machine.
  private static func waitForTheEnd() {
    for _ in 0..<200_000 { _ = inb(0x80) }
  }
}

/// The debug exit value of a guest that found something wrong: the VMM's status becomes 3.
private let failureValue: UInt32 = 1

/// Ends the guest as failed, with the reason on the console.
func fail(_ reason: @autoclosure () -> Line) -> Never {
  SerialPort.write("FAILED: ")
  say(reason())
  Machine.debugExit(failureValue)
}

/// Ends the guest as failed unless `condition` holds.
func expect(_ condition: Bool, _ reason: @autoclosure () -> Line) {
  if !condition { fail(reason()) }
}
