extension ACPITables {
  /// Multiple APIC Description Table (ACPI 6.5, 5.2.12): the CPUs and the interrupt controllers.
  var madt: ACPITable {
    var bytes: [UInt8] = []
    bytes.append(little: platform.localAPICAddress)
    bytes.append(little: UInt32(1))  // PCAT_COMPAT: there are two 8259s as well
    // A CPU's UID is its place in the list. Local APICs have 8-bit identities, 255 means all of them (5.2.12.2), and
    // what is beyond needs the x2APIC's form (5.2.12.12).
    for (uid, id) in platform.apicIDs.enumerated() {
      if id < 255 {
        bytes += [0, 8, UInt8(truncatingIfNeeded: uid), UInt8(id)]
        bytes.append(little: Self.enabled)
      } else {
        bytes += [9, 16, 0, 0]
        bytes.append(little: id)
        bytes.append(little: Self.enabled)
        bytes.append(little: UInt32(uid))
      }
    }
    bytes += [1, 12, platform.ioAPICID, 0]
    bytes.append(little: platform.ioAPICAddress)
    bytes.append(little: UInt32(0))  // its first global system interrupt
    // Only where an ISA interrupt is not what it would be by default: edge-triggered, active high, on the pin of its
    // number (5.2.12.5). An SCI would otherwise be taken as level-triggered and active low.
    if platform.timerPin != 0 { bytes += Self.sourceOverride(irq: 0, pin: platform.timerPin, flags: 0) }
    bytes += Self.sourceOverride(irq: platform.power.sci, pin: platform.power.sci, flags: Self.edgeActiveHigh)
    bytes += [4, 6, 0xff, 0, 0, 1]  // NMI on LINT1 of every local APIC (5.2.12.7)
    if platform.apicIDs.contains(where: { $0 >= 255 }) {
      bytes += [0x0a, 12, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0]  // and of every x2APIC (5.2.12.13)
    }
    return ACPITable("APIC", revision: 5, contents: bytes)
  }

  private static let enabled: UInt32 = 1
  /// MPS INTI flags (table 5.26).
  private static let edgeActiveHigh: UInt16 = 0b0101

  private static func sourceOverride(irq: UInt8, pin: UInt8, flags: UInt16) -> [UInt8] {
    var bytes: [UInt8] = [2, 10, 0, irq]
    bytes.append(little: UInt32(pin))
    bytes.append(little: flags)
    return bytes
  }
}
