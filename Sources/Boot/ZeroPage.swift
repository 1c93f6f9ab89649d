import GuestMemory

/// The zero page, `struct boot_params`, with which every Linux kernel starts ("Zero Page" of the kernel's
/// documentation).
struct ZeroPage {
  private var bytes = [UInt8](repeating: 0, count: BootLayout.zeroPage.count)
  private let version: UInt16

  /// - Parameter header: the kernel's own setup header; nil for an ELF file that was given as it is and has none.
  init(header: LinuxHeader?) {
    if let header {
      bytes.put(bytes: header.bytes, at: LinuxHeader.start)
      version = header.version
    } else {
      // What a kernel looks at in the header before it believes it; it was at least 2.12 when it became an ELF file
      // that boots this way, as that is the protocol with the 64-bit entry.
      version = 0x020c
      bytes.put(UInt16(0xaa55), at: 0x1fe)
      bytes.put(bytes: Array("HdrS".utf8), at: 0x202)
      bytes.put(version, at: 0x206)
      bytes[0x211] = 1  // LOADED_HIGH
    }
    bytes[0x210] = 0xff  // type_of_loader: none that has an assigned number
    bytes.put(UInt16(0xffff), at: 0x1fa)  // vid_mode: "normal"
  }

  /// The address that the protected-mode code was loaded at (`code32_start`).
  mutating func setLoadAddress(_ address: UInt64) { bytes.put(UInt32(truncatingIfNeeded: address), at: 0x214) }

  /// Says whether the kernel runs at an address of chance (KASLR_FLAG in `loadflags`), so that it chooses the places of
  /// its other memory by chance as well.
  mutating func setMoved(_ isMoved: Bool) { bytes[0x211] = bytes[0x211] & ~2 | (isMoved ? 2 : 0) }

  mutating func setCommandLine(_ address: GuestAddress) {
    bytes.put(UInt32(truncatingIfNeeded: address.rawValue), at: 0x228)
  }

  mutating func setRamdisk(_ range: GuestRange) {
    bytes.put(UInt32(truncatingIfNeeded: range.start.rawValue), at: 0x218)
    bytes.put(UInt32(truncatingIfNeeded: range.count), at: 0x21c)
  }

  /// Points to the ACPI tables' root, which saves the kernel the search (kernels since 5.0 look here first).
  mutating func setRSDP(_ address: GuestAddress) { bytes.put(address.rawValue, at: 0x70) }

  /// Fills `e820_table`, and the two sizes that kernels without E820 read.
  mutating func setMemoryMap(_ map: MemoryMap) {
    bytes[0x1e8] = UInt8(map.entries.count)
    for (index, entry) in map.entries.enumerated() {
      let offset = 0x2d0 + index * 20
      bytes.put(entry.range.start.rawValue, at: offset)
      bytes.put(entry.range.count, at: offset + 8)
      bytes.put(entry.kind.rawValue, at: offset + 16)
    }
    let extended = map.extendedBytes / 1024
    bytes.put(UInt16(min(extended, 0xffff)), at: 0x02)
    bytes.put(UInt32(extended), at: 0x1e0)
  }

  /// Puts 32 fresh random bytes where the kernel's random number generator takes them (SETUP_RNG_SEED): it is ready at
  /// once, without waiting for interrupts. Kernels that do not know the type pass over it.
  mutating func addRandomSeed(in memory: GuestMemory) throws(BootError) {
    guard version >= 0x0209 else { return }
    var node: [UInt8] = []
    node.append(little: UInt64(0))  // next
    node.append(little: UInt32(9))  // type SETUP_RNG_SEED
    node.append(little: UInt32(32))
    var random = SystemRandomNumberGenerator()  // getrandom(2)
    for _ in 0..<4 { node.append(little: random.next() as UInt64) }
    try memory.place(node, in: BootLayout.setupData)
    bytes.put(BootLayout.setupData.start.rawValue, at: 0x250)
  }

  func install(in memory: GuestMemory) throws(BootError) {
    try memory.place(bytes, in: BootLayout.zeroPage)
  }
}
