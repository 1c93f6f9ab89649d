/// One system description table with its header (ACPI 6.4, 5.2.6), its checksum verified.
struct ACPITable {
  let address: PhysicalAddress
  let length: Int

  init(at address: PhysicalAddress) {
    self.address = address
    length = Int(address.advanced(by: 4).load(as: UInt32.self))
    expect(length >= 36, "the ACPI table at \(hex: address.rawValue) is shorter than its header")
    expect(byteSum(at: address, count: length) == 0, "the checksum of the \(signature) table is wrong")
  }

  var signature: PhysicalText { PhysicalText(start: address, count: 4) }

  func load<Value: BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
    expect(offset + MemoryLayout<Value>.size <= length, "the \(signature) table ends before offset \(offset)")
    return address.advanced(by: offset).load(as: type)
  }
}

/// The tables that a root system description pointer leads to.
struct ACPITables {
  private let root: ACPITable
  /// Bytes of a pointer in the root table: 8 in an XSDT, 4 in an RSDT.
  private let pointerSize: Int

  /// Checks the pointer structure (5.2.5.3) and takes the XSDT if it names one, else the RSDT.
  init(rsdp: PhysicalAddress) {
    expect(PhysicalText(start: rsdp, count: 8) == "RSD PTR ", "there is no RSDP at \(hex: rsdp.rawValue)")
    expect(byteSum(at: rsdp, count: 20) == 0, "the checksum of the RSDP is wrong")
    let revision = rsdp.advanced(by: 15).load(as: UInt8.self)
    var xsdt: UInt64 = 0
    if revision >= 2 {
      let length = Int(rsdp.advanced(by: 20).load(as: UInt32.self))
      expect(byteSum(at: rsdp, count: length) == 0, "the extended checksum of the RSDP is wrong")
      xsdt = rsdp.advanced(by: 24).load(as: UInt64.self)
    }
    pointerSize = xsdt != 0 ? 8 : 4
    let rsdt = UInt64(rsdp.advanced(by: 16).load(as: UInt32.self))
    root = ACPITable(at: PhysicalAddress(xsdt != 0 ? xsdt : rsdt))
    expect(
      root.signature == (xsdt != 0 ? "XSDT" : "RSDT"), "the root table calls itself \(root.signature)")
  }

  /// The first table with this signature. A machine without it is a failure.
  func table(_ signature: StaticString) -> ACPITable {
    for offset in stride(from: 36, to: root.length, by: pointerSize) {
      let address = pointerSize == 8
        ? root.load(at: offset, as: UInt64.self) : UInt64(root.load(at: offset, as: UInt32.self))
      let table = ACPITable(at: PhysicalAddress(address))
      if table.signature == signature { return table }
    }
    fail("there is no \(signature) table")
  }

  /// Calls `body` with the local APIC's id for each processor that is there (MADT, 5.2.12.2).
  func forEachProcessor(_ body: (UInt8) -> Void) {
    let madt = table("APIC")
    expect(
      madt.load(at: 36, as: UInt32.self) == UInt32(LocalAPIC.base),
      "the MADT puts the local APIC at an unusual address")
    var offset = 44
    while offset < madt.length {
      let kind = madt.load(at: offset, as: UInt8.self)
      let length = Int(madt.load(at: offset + 1, as: UInt8.self))
      expect(length >= 2, "the MADT has an entry of \(length) bytes")
      let isEnabled = kind == 0 && madt.load(at: offset + 4, as: UInt32.self) & 1 != 0
      if isEnabled { body(madt.load(at: offset + 3, as: UInt8.self)) }
      offset += length
    }
  }

  /// The port of the power management timer (FADT, PM_TMR_BLK); nil on hardware that has none.
  func powerManagementTimerPort() -> UInt16? {
    let port = table("FACP").load(at: 76, as: UInt32.self)
    return port == 0 ? nil : UInt16(port)
  }

  /// The PM1a event block, whose first half is status and second half enable bits, and the interrupt that
  /// tells of both.
  struct EventBlock {
    let statusPort: UInt16
    let enablePort: UInt16
    let interrupt: Int
  }

  func eventBlock() -> EventBlock {
    let fadt = table("FACP")
    let port = UInt16(fadt.load(at: 56, as: UInt32.self))
    let length = UInt16(fadt.load(at: 88, as: UInt8.self))
    expect(port != 0 && length >= 4, "the FADT has no PM1a event block")
    return EventBlock(
      statusPort: port, enablePort: port + length / 2, interrupt: Int(fadt.load(at: 46, as: UInt16.self)))
  }

  /// Where to write what for a reset (4.8.3.6).
  struct ResetRegister {
    let isPort: Bool
    let address: UInt64
    let value: UInt8
  }

  func resetRegister() -> ResetRegister {
    let fadt = table("FACP")
    let flags = fadt.load(at: 112, as: UInt32.self)
    expect(flags & 1 << 10 != 0, "the FADT has no reset register")  // RESET_REG_SUP
    let space = fadt.load(at: 116, as: UInt8.self)
    expect(space <= 1, "the reset register is neither in memory nor a port")
    return ResetRegister(
      isPort: space == 1, address: fadt.load(at: 120, as: UInt64.self),
      value: fadt.load(at: 128, as: UInt8.self))
  }
}

/// The sum of `count` bytes modulo 256, which ACPI makes zero by a checksum byte.
private func byteSum(at address: PhysicalAddress, count: Int) -> UInt8 {
  PhysicalArray<UInt8>(start: address, count: count).reduce(0, &+)
}
