import Machine

/// What is at a port or an address, in the words of the field.
enum AddressName {
  /// - Parameter reason: as in a profile.
  static func of(_ reason: String, _ address: UInt64) -> String {
    switch reason {
    case "port_read", "port_write":
      return port(UInt16(truncatingIfNeeded: address), isWrite: reason == "port_write")
    case "memory_read", "memory_write":
      let window = Layout.allWindows.first { address >= $0.first.rawValue && address - $0.first.rawValue < $0.count }
      return window?.name ?? "no device"
    case "interrupted": return "a request of the VMM's other threads"
    default: return "others"
    }
  }

  private static func port(_ port: UInt16, isWrite: Bool) -> String {
    if let uart = serialPort(port, isWrite: isWrite) { return uart }
    switch port {
    case 0x70: return "CMOS register choice"
    case 0x71: return "CMOS"
    case 0x60, 0x64: return "i8042"
    case 0xcf8...0xcff where port != Layout.reset.first: return "PCI configuration probe"
    case Layout.power.first..<Layout.power.first + 4: return "ACPI PM1 events"
    case Layout.power.first + 4..<Layout.power.first + 8: return "ACPI PM1 control"
    case Layout.power.first + 8..<Layout.power.first + 12: return "ACPI PM timer"
    default: break
    }
    return Layout.allPorts.first { port >= $0.first && port - $0.first < $0.count }?.name ?? "no device"
  }

  /// The registers of the four serial ports of a PC, of which COM1 is there.
  private static func serialPort(_ port: UInt16, isWrite: Bool) -> String? {
    let bases: [(base: UInt16, name: String)] = [
      (0x3f8, "8250"), (0x2f8, "8250 probe, COM2"), (0x3e8, "8250 probe, COM3"), (0x2e8, "8250 probe, COM4"),
    ]
    guard let uart = bases.first(where: { port >= $0.base && port < $0.base + 8 }) else { return nil }
    guard uart.base == Layout.serial.first else { return uart.name }
    let register =
      switch port - uart.base {
      case 0: isWrite ? "transmit" : "receive"
      case 1: "interrupt enable"
      case 2: isWrite ? "FIFO control" : "interrupt identification"
      case 3: "line control"
      case 4: "modem control"
      case 5: "line status"
      case 6: "modem status"
      default: "scratch"
      }
    return "8250 \(register)"
  }
}
