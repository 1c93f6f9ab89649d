import GuestMemory

/// Where the machine's devices are: ports, physical addresses and interrupts. docs/memory-map.md draws it, and a test
/// holds the two together.
///
/// Where QEMU has a device, it is at the same place here, so that small kernels run under both.
package enum Layout {
  /// A range of I/O ports.
  package struct Ports: Sendable {
    package let first: UInt16
    package let count: UInt16
    package let name: String
  }

  /// A range of physical addresses that is no RAM.
  package struct Window: Sendable {
    package let first: GuestAddress
    package let count: UInt64
    package let name: String
  }

  package static let keyboardController = Ports(first: 0x60, count: 5, name: "i8042 keyboard controller")
  package static let clock = Ports(first: 0x70, count: 2, name: "CMOS RTC")
  package static let postCode = Ports(first: 0x80, count: 1, name: "POST code, boot timer marks")
  package static let debugExit = Ports(first: 0xf4, count: 4, name: "debug exit")
  package static let serial = Ports(first: 0x3f8, count: 8, name: "16550A UART, COM1")
  package static let panic = Ports(first: 0x505, count: 1, name: "pvpanic")
  package static let power = Ports(first: 0x600, count: 12, name: "ACPI PM1a events, PM1a control, PM timer")
  package static let reset = Ports(first: 0xcf9, count: 1, name: "reset control")

  package static let allPorts = [
    keyboardController, clock, postCode, debugExit, serial, panic, power, reset,
  ]

  package static let bootTimer = Window(first: GuestAddress(0xc000_0000), count: 0x1000, name: "boot timer")
  package static let virtio = Window(
    first: GuestAddress(0xfeb0_0000), count: 0x2000, name: "virtio devices, 512 bytes each")
  package static let ioAPIC = Window(first: GuestAddress(0xfec0_0000), count: 0x1000, name: "IOAPIC (in the kernel)")
  package static let localAPIC = Window(
    first: GuestAddress(0xfee0_0000), count: 0x1000, name: "local APIC (in the kernel)")
  /// See `VirtualMachine.createInterruptControllers`. Just below where a PC has its firmware.
  package static let reservedPages = Window(
    first: GuestAddress(0xfffb_c000), count: 0x4000, name: "reserved for KVM on Intel hosts")

  package static let allWindows = [bootTimer, virtio, ioAPIC, localAPIC, reservedPages]

  // Global system interrupts, which are the IOAPIC's inputs and, below 16, the 8259s' too.
  package static let serialInterrupt: UInt32 = 4
  package static let systemControlInterrupt: UInt32 = 9
  /// In the order in which virtio devices get them: first those that kernels without ACPI know as well.
  package static let virtioInterrupts: [UInt32] = [5, 6, 7, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]

  package static let allInterrupts: [(gsi: UInt32, name: String)] = [
    (serialInterrupt, "16550A UART, COM1"), (systemControlInterrupt, "ACPI system control interrupt"),
  ] + virtioInterrupts.enumerated().map { (gsi: $1, name: "virtio device \($0)") }
}
