import GuestMemory

/// The ACPI tables of a machine with fixed hardware and no PCI (ACPI 6.5, 5.2).
struct ACPITables {
  let platform: Platform

  init(_ platform: Platform) { self.platform = platform }

  /// Builds all tables and links them by address, the root first.
  ///
  /// - Parameter start: where the RSDP goes, a multiple of 64.
  /// - Returns: the bytes from `start` on.
  func laidOut(at start: GuestAddress) -> [UInt8] {
    var image = [UInt8](repeating: 0, count: 64)  // the RSDP's place: a kernel that scans finds it first
    func add(_ table: [UInt8], alignment: Int = 16) -> UInt32 {
      image += [UInt8](repeating: 0, count: (alignment - image.count % alignment) % alignment)
      defer { image += table }
      return UInt32(start.rawValue) + UInt32(image.count)
    }
    let facs = add(Self.facs, alignment: 64)
    let dsdt = add(self.dsdt.bytes)
    let tables = [add(fadt(facs: facs, dsdt: dsdt).bytes), add(madt.bytes)]
    // The RSDT has the same addresses in 32 bits, for ACPI 1.0.
    let rsdt = add(Self.root("RSDT", tables).bytes)
    let xsdt = add(Self.root("XSDT", tables.map(UInt64.init)).bytes)
    image.put(bytes: Self.rsdp(rsdt: rsdt, xsdt: xsdt), at: 0)
    return image
  }

  /// Root System Description Pointer (5.2.5.3).
  private static func rsdp(rsdt: UInt32, xsdt: UInt32) -> [UInt8] {
    var bytes = Array("RSD PTR ".utf8) + [0] + ACPITable.creator.id + [2]
    bytes.append(little: rsdt)
    bytes.seal(at: 8)  // over ACPI 1.0's 20 bytes
    bytes.append(little: UInt32(36))
    bytes.append(little: UInt64(xsdt))
    bytes += [0, 0, 0, 0]
    bytes.seal(at: 32)
    return bytes
  }

  /// Root System Description Table, and its 64-bit form (5.2.7, 5.2.8).
  private static func root<Address: FixedWidthInteger>(_ signature: StaticString, _ tables: [Address]) -> ACPITable {
    var contents: [UInt8] = []
    for table in tables { contents.append(little: table) }
    return ACPITable(signature, revision: 1, contents: contents)
  }

  /// Firmware ACPI Control Structure (5.2.10): the one without header and checksum.
  private static var facs: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64)
    bytes.put(bytes: Array("FACS".utf8), at: 0)
    bytes.put(UInt32(64), at: 4)
    bytes[32] = 2
    return bytes
  }

  /// Differentiated System Description Table: the devices that a kernel would not look for (5.2.11.1).
  var dsdt: ACPITable {
    ACPITable("DSDT", revision: 2, contents: AML.terms {
      // The values that PM1a_CNT, and PM1b_CNT if there were one, take in SLP_TYP to power off (7.4.2.6).
      AML.name("_S5", .package([.integer(UInt64(platform.power.sleepTypeS5)), .integer(0), .integer(0), .integer(0)]))
      AML.scope("_SB") {
        for (index, serial) in platform.serialPorts.enumerated() {
          AML.device("COM\(index + 1)") {
            AML.name("_HID", .eisaID("PNP0501"))  // 16550A
            AML.name("_UID", .integer(UInt64(index + 1)))
            AML.name("_CRS", .resources([.io(serial.port, count: 8), .irq(serial.irq)]))
          }
        }
        AML.device("RTC") {
          AML.name("_HID", .eisaID("PNP0B00"))
          AML.name("_CRS", .resources([.io(platform.rtcPort, count: 2)]))
        }
        // The identity that pvpanic's drivers look for; QEMU's hardware documentation, "PVPANIC device".
        AML.device("PEVT") {
          AML.name("_HID", .string("QEMU0001"))
          AML.name("_CRS", .resources([.io(platform.panicPort, count: 1)]))
        }
        // The identity that Linaro gave virtio's MMIO transport, and that Linux' virtio_mmio looks for.
        for (index, device) in platform.virtioDevices.enumerated() {
          AML.device("VR\(index / 10)\(index % 10)") {
            AML.name("_HID", .string("LNRO0005"))
            AML.name("_UID", .integer(UInt64(index)))
            AML.name(
              "_CRS", .resources([.memory(device.window, count: device.count), .interrupt(device.interrupt)]))
          }
        }
      }
    }.bytes)
  }
}
