import GuestMemory

/// All that a PC's firmware leaves in memory to describe the machine.
struct FirmwareTables {
  let platform: Platform

  init(_ platform: Platform) { self.platform = platform }

  /// - Returns: the address of the ACPI root pointer (RSDP).
  func install(in memory: GuestMemory) throws(BootError) -> GuestAddress {
    // The BIOS data area tells the segment of the EBDA, and the kibibytes of base memory below it.
    var data = [UInt8](repeating: 0, count: BootLayout.biosData.count)
    data.put(UInt16(BootLayout.ebda.start.rawValue >> 4), at: 0x0e)
    data.put(UInt16(BootLayout.ebda.start.rawValue >> 10), at: 0x13)
    try memory.place(data, in: BootLayout.biosData)

    // The EBDA starts with its own size in kibibytes. The MP floating pointer is in it, where kernels look first (MP
    // 4.1); the table itself grows with the number of CPUs and is where a BIOS has its ROM.
    var ebda: [UInt8] = [UInt8(BootLayout.ebda.count / 1024)] + [UInt8](repeating: 0, count: 15)
    ebda += MPTable.floatingPointer(to: BootLayout.mpTable.start)
    try memory.place(ebda, in: BootLayout.ebda)
    try memory.place(MPTable(platform).configuration, in: BootLayout.mpTable)

    try memory.place(ACPITables(platform).laidOut(at: BootLayout.acpi.start), in: BootLayout.acpi)
    return BootLayout.acpi.start
  }
}
