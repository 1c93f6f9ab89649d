import GuestMemory

/// Boots the ELF file in a bzImage as the bzImage's own code would, which unpacks it in the guest, moves it to an address
/// of chance and changes it to run there (KASLR, CONFIG_RANDOMIZE_BASE).
extension LinuxLoader {
  /// - Parameters:
  ///   - elf: what the request's kernel, a bzImage, unpacks to.
  ///   - relocations: what stood behind it.
  static func load(
    _ elf: ELFImage, movedBy relocations: KernelRelocations, _ request: BootRequest, into space: inout GuestSpace,
    rsdp: GuestAddress
  ) throws(BootError) -> EntryState {
    guard request.modules.isEmpty else { throw BootError("--module", .unused(by: .linux)) }
    let header = try LinuxHeader(parsing: request.kernel)
    let words = (request.commandLine ?? request.defaultLinuxCommandLine).split(separator: " ")
    let extent = relocations.extent
    var page = ZeroPage(header: header)
    let isMoved = !words.contains("nokaslr")
    if isMoved { page.setMoved() }
    // The initrd goes first, as only the kernel can be anywhere.
    try complete(
      &page, request, into: &space, rsdp: rsdp, initrdLimit: header.initrdLimit,
      commandLineLimit: header.commandLineLimit)

    let memory = space.memory
    let place: GuestRange
    if isMoved, !words.contains(where: limitsMemory) {
      place = try space.claimAnywhere(
        "the kernel", count: extent.count, from: extent.start, alignment: alignment, of: request.kernel)
    } else {
      place = try space.claim("the kernel", at: extent.start, count: extent.count, of: request.kernel)
    }
    try elf.load(extent, to: place.start, of: memory)
    if isMoved {
      do throws(GuestMemoryError) {
        try relocations.apply(distance(extent), to: place, of: memory)
      } catch {
        throw BootError(request.kernel.path, .malformed("a relocation at the end of the kernel's memory"))
      }
    }
    return try enter64Bit(at: place.start.rawValue + (elf.entry - extent.start.rawValue), memory)
  }

  /// Where Linux can be: it maps itself with pages of 2 MiB (`__startup_64`, arch/x86/kernel/head64.c).
  private static let alignment: UInt64 = 2 << 20
  /// How much of Linux's mapping of itself is the kernel's when it is built to be moved; modules have the rest
  /// (KERNEL_IMAGE_SIZE, arch/x86/include/asm/page_64_types.h).
  private static let mappingBytes: UInt64 = 1 << 30

  /// How far above the addresses that it is linked to the kernel runs, in bytes: by chance, whatever its place in memory.
  private static func distance(_ extent: GuestRange) -> UInt64 {
    let end = extent.end.rawValue
    return end >= mappingBytes ? 0 : .random(in: 0...(mappingBytes - end) / alignment) * alignment
  }

  /// Parameters that take memory from the kernel, which must not lie there then.
  private static func limitsMemory(_ word: Substring) -> Bool {
    ["mem=", "memmap=", "hugepages="].contains { word.hasPrefix($0) }
  }
}
