import GuestMemory

/// Where a Linux kernel has numbers that depend on the address it runs at: the list that the kernel's build puts behind
/// its ELF file when it is built with CONFIG_RANDOMIZE_BASE (arch/x86/tools/relocs.c), for the code that unpacks it and
/// chooses its address (arch/x86/boot/compressed/misc.c).
///
/// The list is made of 32-bit words, the lower halves of addresses in the kernel's own mapping: a zero, where 64-bit
/// numbers are; a zero, where 32-bit numbers are that become less when the kernel moves up; a zero, where other 32-bit
/// numbers are. Some kernels leave out the second part with its zero.
struct KernelRelocations {
  /// In bytes from the kernel's start; the numbers there end in the kernel.
  private let offsets: [UInt32]
  private let longs: Range<Int>
  private let falling: Range<Int>
  private let words: Range<Int>

  /// Where Linux maps physical address 0 for its own code (`__START_KERNEL_map`, arch/x86/include/asm/page_64_types.h).
  static let mapping: UInt64 = 0xffff_ffff_8000_0000

  /// Linux's have about a million bytes.
  private static let mostBytes: UInt64 = 32 << 20

  /// What stands behind an ELF file.
  enum Search {
    /// The kernel's build did not want it to be movable.
    case nothing
    case found(KernelRelocations)
    /// Something that is no such list, or belongs to a kernel with other addresses.
    case unknown
  }

  /// - Parameter extent: the physical addresses that the kernel is linked to.
  static func behind(_ elf: ELFImage, linkedTo extent: GuestRange) throws(BootError) -> Search {
    guard let end = try elf.contentsEnd() else { return .unknown }
    let count = elf.file.size - end
    if count == 0 { return .nothing }
    guard count <= mostBytes, extent.end.rawValue <= 1 << 31, let first = elf.headers.first(where: \.isLoaded),
      first.virtualAddress == mapping + first.physicalAddress
    else { return .unknown }
    let list = try elf.file.read(Int(count), at: end, "the list of relocations")
    return KernelRelocations(list, extent).map { .found($0) } ?? .unknown
  }

  private init?(_ list: [UInt8], _ extent: GuestRange) {
    guard list.count % 4 == 0, extent.count >= 8 else { return nil }
    let start = UInt32(truncatingIfNeeded: Self.mapping + extent.start.rawValue)
    let end = UInt32(extent.count)
    // SAFETY: bytes have no padding, so all of the array's memory is initialised.
    let bytes = unsafe list.span.bytes
    var stops: [Int] = []
    var offsets: [UInt32] = []
    offsets.reserveCapacity(list.count / 4)
    for index in stride(from: 0, to: list.count, by: 4) {
      // SAFETY: the list is a multiple of four bytes long, and any four are a valid integer.
      let word = UInt32(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self))
      if word == 0 {
        stops.append(offsets.count)
        continue
      }
      // The second zero is not reached yet where 64-bit numbers are.
      guard word >= start, word - start <= end - (stops.count < 2 ? 8 : 4) else { return nil }
      offsets.append(word - start)
    }
    guard stops.first == 0, stops.count == 2 || stops.count == 3, let lastStop = stops.last else { return nil }
    self.offsets = offsets
    longs = 0..<stops[1]
    falling = stops[1]..<lastStop
    words = lastStop..<offsets.count
  }

  /// Changes the numbers of a kernel that was loaded.
  ///
  /// - Parameters:
  ///   - distance: how far above the addresses that it is linked to it is to run, in bytes.
  ///   - kernel: where it was loaded to, as long as what it is linked to.
  func apply(_ distance: UInt64, to kernel: GuestRange, of memory: GuestMemory) throws(GuestMemoryError) {
    let offsets = offsets.span
    try memory.shift(.longs(distance), at: offsets.extracting(longs), in: kernel)
    let distance = UInt32(truncatingIfNeeded: distance)
    try memory.shift(.words(0 &- distance), at: offsets.extracting(falling), in: kernel)
    try memory.shift(.words(distance), at: offsets.extracting(words), in: kernel)
  }
}
