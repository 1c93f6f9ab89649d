extension ACPITables {
  /// Fixed ACPI Description Table (ACPI 6.5, 5.2.9), revision 6.5.
  ///
  /// SMI_CMD stays zero: there is no firmware to hand over, ACPI mode is on from the start.
  func fadt(facs: UInt32, dsdt: UInt32) -> ACPITable {
    // Offsets are those of table 5.9, which count the common header.
    var bytes = [UInt8](repeating: 0, count: 276)
    func block(_ port: UInt16, count: UInt8, access: UInt8, at offset: (legacy: Int, length: Int, extended: Int)) {
      bytes.put(UInt32(port), at: offset.legacy)
      bytes[offset.length] = count
      bytes.put(bytes: Self.address(ofPort: port, bits: count * 8, access: access), at: offset.extended)
    }
    let power = platform.power
    bytes.put(facs, at: 36)
    bytes.put(dsdt, at: 40)
    bytes.put(UInt64(dsdt), at: 140)
    bytes.put(UInt16(power.sci), at: 46)
    block(power.eventPort, count: 4, access: 2, at: (56, 88, 148))
    block(power.controlPort, count: 2, access: 2, at: (64, 89, 172))
    block(power.timerPort, count: 4, access: 3, at: (76, 91, 208))
    bytes.put(UInt16(0xfff), at: 96)  // P_LVL2_LAT and P_LVL3_LAT: no C2 and C3 states
    bytes.put(UInt16(0xfff), at: 98)
    bytes[108] = platform.rtcCenturyIndex
    bytes.put(BootArchitecture.all, at: 109)
    bytes.put(Flags.all, at: 112)
    bytes.put(bytes: Self.address(ofPort: platform.reset.port, bits: 8, access: 1), at: 116)
    bytes[128] = platform.reset.value
    bytes[131] = 5  // minor version
    return ACPITable("FACP", revision: 6, contents: Array(bytes[ACPITable.headerBytes...]))
  }

  /// IAPC_BOOT_ARCH (table 5.11).
  ///
  /// It does not claim an 8042, though the machine has one to be reset by: there is no keyboard and no mouse on it, and
  /// Linux would search for them, slowly and with complaints.
  private enum BootArchitecture {
    static let legacyDevices: UInt16 = 1 << 0
    static let noVGA: UInt16 = 1 << 2
    static let all = legacyDevices | noVGA
  }

  /// Feature flags (table 5.10). PWR_BUTTON is clear, which means that there is a fixed power button.
  private enum Flags {
    static let wbinvd: UInt32 = 1 << 0
    static let c1OnAllProcessors: UInt32 = 1 << 2
    static let noFixedSleepButton: UInt32 = 1 << 5
    static let noFixedRTCWake: UInt32 = 1 << 6
    static let timerHas32Bits: UInt32 = 1 << 8
    static let resetRegister: UInt32 = 1 << 10
    static let headless: UInt32 = 1 << 12
    static let all =
      wbinvd | c1OnAllProcessors | noFixedSleepButton | noFixedRTCWake | timerHas32Bits | resetRegister | headless
  }

  /// Generic Address Structure in the system's port space (5.2.3.2).
  ///
  /// - Parameter access: 1 for bytes, 2 for words, 3 for double words.
  private static func address(ofPort port: UInt16, bits: UInt8, access: UInt8) -> [UInt8] {
    var bytes: [UInt8] = [1, bits, 0, access]
    bytes.append(little: UInt64(port))
    return bytes
  }
}
