import GuestMemory

/// All that a PC's firmware leaves in memory to describe the machine.
struct FirmwareTables {
  let platform: Platform

  init(_ platform: Platform) { self.platform = platform }

  /// - Returns: the address of the ACPI root pointer (RSDP).
  func install(in memory: GuestMemory) throws(BootError) -> GuestAddress {
    // BIOS data area: the segment of the EBDA, and the kibibytes of base memory below it.
    var data = [UInt8](repeating: 0, count: BootLayout.biosData.count)
    data.put(UInt16(BootLayout.ebda.start.rawValue >> 4), at: 0x0e)
    data.put(UInt16(BootLayout.ebda.start.rawValue >> 10), at: 0x13)
    try memory.place(data, in: BootLayout.biosData)
    try memory.place([UInt8(BootLayout.ebda.count / 1024)], in: BootLayout.ebda)
    return BootLayout.acpi.start
  }
}
