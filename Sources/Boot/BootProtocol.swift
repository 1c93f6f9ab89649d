/// How a kernel wants to be started. The raw values are the words of `--boot`.
package enum BootProtocol: String, CaseIterable, Sendable {
  /// The Linux/x86 boot protocol, by a bzImage's 64-bit or 32-bit entry or an uncompressed ELF kernel's 64-bit entry.
  case linux
  /// Xen's PVH: an ELF file with a note that tells its 32-bit entry.
  case pvh
  /// The Multiboot Specification, version 0.6.96.
  case multiboot
  /// Raw bytes at an address, started in real mode.
  case flat
}

extension BootProtocol {
  /// Finds the protocol by looking into the file. It never finds ``flat``: any file could be that.
  ///
  /// PVH goes before multiboot, unlike in QEMU: its note stands where the ELF format says notes are, while multiboot's
  /// header is three words found by a search, and PVH tells the kernel more (64-bit memory map, RSDP). Multiboot goes
  /// before Linux, as it is decided by the file's first 8 KiB, and the search for Linux' banner reads all of the file.
  package init(detecting file: ImageFile) throws(BootError) {
    if try LinuxHeader.isPresent(in: file) {
      self = .linux
      return
    }
    let elf = try ELFImage.isPresent(in: file) ? ELFImage(parsing: file) : nil
    if let elf, try elf.pvhEntry() != nil {
      self = .pvh
    } else if try MultibootHeader(searching: file) != nil {
      self = .multiboot
    } else if let elf, elf.is64Bit, try elf.containsLinuxBanner() {
      self = .linux
    } else {
      throw BootError(file.path, .unrecognised)
    }
  }
}
