import GuestMemory

/// Boots the ELF file in a bzImage as the bzImage's own code would, which unpacks it in the guest, moves it to an
/// address of chance and changes it to run there (KASLR, CONFIG_RANDOMIZE_BASE).
extension LinuxLoader {
  /// - Returns: nil when only the bzImage's own code can know how its kernel is moved.
  static func load(
    _ unpacked: ImageFile, of request: BootRequest, into space: inout GuestSpace, rsdp: GuestAddress
  ) throws(BootError) -> EntryState? {
    guard let kernel = try UnpackedImage(unpacked) else { return nil }
    let (elf, extent, relocations) = (kernel.elf, kernel.extent, kernel.relocations)
    let header = try LinuxHeader(parsing: request.kernel)
    // Whatever is not above a space parts words, as in Linux (arch/x86/lib/cmdline.c).
    let words = (request.commandLine ?? request.defaultLinuxCommandLine).utf8.split { $0 <= UInt8(ascii: " ") }
      .compactMap { String($0) }
    let isMoved = relocations != nil && !words.contains("nokaslr")

    var place: GuestRange?
    if isMoved, !words.contains(where: limitsMemory) { place = anyPlace(for: extent, of: request, header, in: space) }
    let range = try space.claim("the kernel", at: (place ?? extent).start, count: extent.count, of: request.kernel)
    try elf.load(extent, to: range.start, of: space.memory)
    if isMoved {
      do throws(GuestMemoryError) { try relocations?.apply(distance(extent), to: range, of: space.memory) } catch {
        preconditionFailure("the list was checked, and the kernel's memory claimed: \(error)")
      }
    }

    var page = ZeroPage(header: header)
    page.setMoved(isMoved)
    try complete(
      &page, request, into: &space, rsdp: rsdp, initrdLimit: header.initrdLimit,
      commandLineLimit: header.commandLineLimit)
    return try enter64Bit(at: range.start.rawValue + (elf.entry - extent.start.rawValue), space.memory)
  }

  /// Where Linux can be: it maps itself with pages of 2 MiB (`__startup_64`, arch/x86/kernel/head64.c).
  private static let alignment: UInt64 = 2 << 20
  /// How much of Linux's mapping of itself is the kernel's when it is built to be moved; modules have the rest
  /// (KERNEL_IMAGE_SIZE, arch/x86/include/asm/page_64_types.h).
  private static let mappingBytes: UInt64 = 1 << 30

  /// A place by chance, not where the initrd has to be; nil: there is none but where the kernel is linked to.
  private static func anyPlace(
    for extent: GuestRange, of request: BootRequest, _ header: LinuxHeader, in space: GuestSpace
  ) -> GuestRange? {
    var space = space
    if let initrd = request.initrd {
      guard (try? space.claimHigh("the initrd", count: initrd.size, below: header.initrdLimit, of: initrd)) != nil
      else { return nil }
    }
    return space.anyRange(count: extent.count, from: extent.start, alignment: alignment)
  }

  /// How far above the addresses that it is linked to the kernel runs, in bytes: by chance, whatever its place in
  /// memory.
  private static func distance(_ extent: GuestRange) -> UInt64 {
    let end = extent.end.rawValue
    return end >= mappingBytes ? 0 : .random(in: 0...(mappingBytes - end) / alignment) * alignment
  }

  /// Parameters that take memory from the kernel, which must not lie there then.
  private static func limitsMemory(_ word: String) -> Bool {
    ["mem=", "memmap=", "hugepages="].contains { word.hasPrefix($0) }
  }
}
