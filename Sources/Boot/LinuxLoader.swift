import GuestMemory

/// Boots Linux by its own protocol (Linux/x86 boot protocol, Documentation/arch/x86/boot.rst): a bzImage by its 64-bit
/// entry, or by the 32-bit one that older and 32-bit kernels have; an uncompressed ELF kernel by the 64-bit protocol.
enum LinuxLoader {
  static func load(_ request: BootRequest, into space: inout GuestSpace, rsdp: GuestAddress) throws(BootError)
    -> EntryState
  {
    guard request.modules.isEmpty else { throw BootError("--module", .unused(by: .linux)) }
    if let unpacked = request.unpacked, let entry = try load(unpacked, of: request, into: &space, rsdp: rsdp) {
      return entry
    }
    if try LinuxHeader.isPresent(in: request.kernel) {
      return try loadBzImage(request, into: &space, rsdp: rsdp)
    }
    guard try ELFImage.isPresent(in: request.kernel) else {
      throw BootError(
        request.kernel.path, .not(.linux, missing: "it has neither a Linux setup header nor an ELF header"))
    }
    return try loadELF(request, into: &space, rsdp: rsdp)
  }

  private static func loadBzImage(
    _ request: BootRequest, into space: inout GuestSpace, rsdp: GuestAddress
  ) throws(BootError) -> EntryState {
    let file = request.kernel
    let header = try LinuxHeader(parsing: file)
    // One claim for where the kernel is put and for where it will run, which it may move itself to.
    let start = min(header.loadAddress, header.runAddress)
    let (runEnd, overflow) = header.runAddress.addingReportingOverflow(header.initBytes)
    guard !overflow, runEnd <= space.lowEnd else {
      throw BootError(file.path, .outsideMemory(
        "the kernel", start: GuestAddress(header.runAddress), count: header.initBytes, memory: space.memory.bytes))
    }
    let end = max(header.loadAddress + header.codeBytes, runEnd)
    try space.claim("the kernel", at: GuestAddress(start), count: end - start, of: file)
    try file.load(
      header.codeBytes, at: header.codeOffset, to: GuestAddress(header.loadAddress), of: space.memory, "the kernel")

    var page = ZeroPage(header: header)
    page.setLoadAddress(header.loadAddress)
    try complete(
      &page, request, into: &space, rsdp: rsdp, initrdLimit: header.initrdLimit,
      commandLineLimit: header.commandLineLimit)
    return header.has64BitEntry
      ? try enter64Bit(at: header.loadAddress + 0x200, space.memory)
      : .protectedMode(
        .init(eip: UInt32(header.loadAddress), esi: UInt32(BootLayout.zeroPage.start.rawValue)), gdt: .protectedMode)
  }

  private static func loadELF(
    _ request: BootRequest, into space: inout GuestSpace, rsdp: GuestAddress
  ) throws(BootError) -> EntryState {
    let elf = try ELFImage(parsing: request.kernel)
    guard elf.is64Bit else {
      throw BootError(request.kernel.path, .not(.linux, missing: "it is a 32-bit ELF file; a bzImage can be 32-bit"))
    }
    guard elf.entry < GuestMemory.holeEnd.rawValue else {
      throw BootError(request.kernel.path, .entryOutside(GuestAddress(elf.entry)))
    }
    try elf.load(into: &space, entry: elf.entry)
    var page = ZeroPage(header: nil)
    // An ELF file has no setup header to tell these two: COMMAND_LINE_SIZE is 2048 on x86, terminating zero included.
    try complete(&page, request, into: &space, rsdp: rsdp, initrdLimit: .max, commandLineLimit: 2047)
    return try enter64Bit(at: elf.entry, space.memory)
  }

  /// What the zero page says beyond the kernel's own header.
  static func complete(
    _ page: inout ZeroPage, _ request: BootRequest, into space: inout GuestSpace, rsdp: GuestAddress,
    initrdLimit: UInt64, commandLineLimit: Int
  ) throws(BootError) {
    let memory = space.memory
    var strings = BootStrings(in: memory)
    page.setCommandLine(
      try strings.add(
        request.commandLine ?? request.defaultLinuxCommandLine, from: "--cmdline", limit: commandLineLimit))
    if let initrd = request.initrd {
      // As high as it may be: the kernel decompresses and grows from below.
      let range = try space.claimHigh("the initrd", count: initrd.size, below: initrdLimit, of: initrd)
      try initrd.load(initrd.size, at: 0, to: range.start, of: memory, "the initrd")
      page.setRamdisk(range)
    }
    page.setMemoryMap(MemoryMap(of: memory))
    page.setRSDP(rsdp)
    try page.addRandomSeed(in: memory)
    try page.install(in: memory)
  }

  static func enter64Bit(at rip: UInt64, _ memory: GuestMemory) throws(BootError) -> EntryState {
    .longMode(
      rip: rip, rsi: BootLayout.zeroPage.start.rawValue, cr3: try IdentityMap.install(in: memory), gdt: .longMode)
  }
}
