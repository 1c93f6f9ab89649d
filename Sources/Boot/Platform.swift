/// The machine as its firmware tables describe it: what a kernel cannot find by probing.
package struct Platform: Sendable {
  /// The local APIC IDs of all CPUs, that of the first to start (the bootstrap processor) first.
  package var apicIDs: [UInt32]
  package var localAPICAddress: UInt32
  package var ioAPICAddress: UInt32
  package var ioAPICID: UInt8
  /// The IOAPIC pin that the PIT's interrupt (ISA interrupt 0) is wired to: 2 on a PC, 0 with KVM's default routing.
  package var timerPin: UInt8
  package var serialPorts: [SerialPort]
  package var power: PowerManagement
  package var reset: ResetRegister
  /// The CMOS clock's first port of two.
  package var rtcPort: UInt16
  /// Where the CMOS keeps the century, 0 for nowhere.
  package var rtcCenturyIndex: UInt8
  /// pvpanic's port.
  package var panicPort: UInt16
  /// virtio devices, each behind a window of registers (virtio 1.2, 4.2).
  package var virtioDevices: [VirtioDevice]

  package struct VirtioDevice: Sendable {
    /// Where the window is, and its size in bytes.
    package var window: UInt32
    package var count: UInt32
    /// Its global system interrupt: edge-triggered and active high.
    package var interrupt: UInt32

    package init(window: UInt32, count: UInt32, interrupt: UInt32) {
      self.window = window
      self.count = count
      self.interrupt = interrupt
    }
  }

  /// A 16550A.
  package struct SerialPort: Sendable {
    /// The first of its eight ports.
    package var port: UInt16
    /// Its edge-triggered ISA interrupt, which is its IOAPIC pin too.
    package var irq: UInt8

    package init(port: UInt16, irq: UInt8) {
      self.port = port
      self.irq = irq
    }
  }

  /// ACPI's fixed power management hardware (ACPI 6.5, 4.8.3).
  package struct PowerManagement: Sendable {
    /// PM1a_EVT_BLK, four ports.
    package var eventPort: UInt16
    /// PM1a_CNT_BLK, two ports.
    package var controlPort: UInt16
    /// PM_TMR_BLK, four ports, a 32-bit counter.
    package var timerPort: UInt16
    /// The SCI's ISA interrupt and IOAPIC pin: edge-triggered and active high here.
    package var sci: UInt8
    /// SLP_TYP of the S5 state, 0 to 7.
    package var sleepTypeS5: UInt8

    package init(eventPort: UInt16, controlPort: UInt16, timerPort: UInt16, sci: UInt8, sleepTypeS5: UInt8) {
      self.eventPort = eventPort
      self.controlPort = controlPort
      self.timerPort = timerPort
      self.sci = sci
      self.sleepTypeS5 = sleepTypeS5
    }
  }

  /// A port that resets the machine when `value` is written to it (ACPI 6.5, 4.8.3.6).
  package struct ResetRegister: Sendable {
    package var port: UInt16
    package var value: UInt8

    package init(port: UInt16, value: UInt8) {
      self.port = port
      self.value = value
    }
  }

  package init(
    apicIDs: [UInt32], localAPICAddress: UInt32, ioAPICAddress: UInt32, ioAPICID: UInt8, timerPin: UInt8,
    serialPorts: [SerialPort], power: PowerManagement, reset: ResetRegister, rtcPort: UInt16, rtcCenturyIndex: UInt8,
    panicPort: UInt16, virtioDevices: [VirtioDevice] = []
  ) {
    self.apicIDs = apicIDs
    self.localAPICAddress = localAPICAddress
    self.ioAPICAddress = ioAPICAddress
    self.ioAPICID = ioAPICID
    self.timerPin = timerPin
    self.serialPorts = serialPorts
    self.power = power
    self.reset = reset
    self.rtcPort = rtcPort
    self.rtcCenturyIndex = rtcCenturyIndex
    self.panicPort = panicPort
    self.virtioDevices = virtioDevices
  }
}
