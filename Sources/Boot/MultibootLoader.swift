import GuestMemory

/// The header that a multiboot kernel has in its first 8 KiB (Multiboot Specification 0.6.96, 3.1).
struct MultibootHeader {
  /// Where a header with the address fields (flag bit 16, the "a.out kludge") wants the image; addresses are physical.
  struct Addresses {
    let header, load, loadEnd, bssEnd, entry: UInt32
  }

  static let magic: UInt32 = 0x1bad_b002
  /// Where the header is in the file.
  let offset: Int
  /// What the kernel demands in its low half, what the header has in its high half.
  let flags: UInt32
  let addresses: Addresses?

  /// - Returns: nil when the file has no such header.
  init?(searching file: ImageFile) throws(BootError) {
    let head = try file.head(8192)
    let found = stride(from: 0, through: head.count - 12, by: 4).first { offset in
      func word(_ index: Int) -> UInt32 { head.integer(at: offset + index * 4) }
      return word(0) == Self.magic && word(0) &+ word(1) &+ word(2) == 0
    }
    guard let found else { return nil }
    offset = found
    flags = head.integer(at: found + 4)
    guard flags & 1 << 16 != 0 else {
      addresses = nil
      return
    }
    guard found + 32 <= head.count else {
      throw BootError(file.path, .truncated(
        "the multiboot header", offset: UInt64(found), count: 32, size: UInt64(head.count)))
    }
    addresses = Addresses(
      header: head.integer(at: found + 12), load: head.integer(at: found + 16), loadEnd: head.integer(at: found + 20),
      bssEnd: head.integer(at: found + 24), entry: head.integer(at: found + 28))
  }
}

/// Boots a kernel by the Multiboot Specification 0.6.96.
enum MultibootLoader {
  /// What EAX holds at the entry.
  static let bootMagic: UInt32 = 0x2bad_b002

  static func load(_ request: BootRequest, into space: inout GuestSpace) throws(BootError) -> EntryState {
    let file = request.kernel
    guard let header = try MultibootHeader(searching: file) else {
      throw BootError(file.path, .not(.multiboot, missing: "it has no multiboot header in its first 8 KiB"))
    }
    // Bit 0 asks for modules on page boundaries, bit 1 for memory sizes: every kernel gets both. Bit 2 wants to know
    // the video mode: there is none, and the information's flags say so, which lets a kernel with a serial console
    // go on (QEMU does the same). Unknown demands mean that the kernel must not be started.
    let unknown = header.flags & 0xfff8
    guard unknown == 0 else {
      throw BootError(file.path, .unsupported("its multiboot header demands unknown features (flags 0x"
        + String(unknown, radix: 16) + ")"))
    }
    let entry: UInt64
    if let addresses = header.addresses {
      entry = UInt64(addresses.entry)
      try load(file, addresses, headerOffset: header.offset, into: &space)
    } else {
      guard try ELFImage.isPresent(in: file) else {
        throw BootError(file.path, .malformed("multiboot without addresses (flag bit 16), but it is no ELF file"))
      }
      let elf = try ELFImage(parsing: file)
      entry = elf.entry
      guard entry <= UInt64(UInt32.max) else { throw BootError(file.path, .entryOutside(GuestAddress(entry))) }
      try elf.load(into: &space, entry: entry)
    }
    let information = try install(request, into: &space)
    return .protectedMode(
      .init(eip: UInt32(entry), eax: bootMagic, ebx: UInt32(information.rawValue)), gdt: .protectedMode)
  }

  /// Loads one stretch of the file as the header's address fields say (specification, 3.1.3).
  private static func load(
    _ file: ImageFile, _ addresses: MultibootHeader.Addresses, headerOffset: Int, into space: inout GuestSpace
  ) throws(BootError) {
    func malformed(_ what: String, _ value: UInt32) -> BootError {
      BootError(file.path, .malformed("multiboot \(what) 0x" + String(value, radix: 16)))
    }
    guard addresses.header >= addresses.load, addresses.header - addresses.load <= headerOffset else {
      throw malformed("load_addr", addresses.load)
    }
    let offset = UInt64(headerOffset) - UInt64(addresses.header - addresses.load)
    // Zero: all of the file, and no BSS.
    guard addresses.loadEnd == 0 || addresses.loadEnd > addresses.load else {
      throw malformed("load_end_addr", addresses.loadEnd)
    }
    let count = addresses.loadEnd == 0 ? file.size - offset : UInt64(addresses.loadEnd - addresses.load)
    let loadEnd = UInt64(addresses.load) + count
    guard addresses.bssEnd == 0 || UInt64(addresses.bssEnd) >= loadEnd else {
      throw malformed("bss_end_addr", addresses.bssEnd)
    }
    let start = GuestAddress(UInt64(addresses.load))
    try file.require(count, at: offset, "the image")
    let range = try space.claim(
      "the image", at: start, count: max(loadEnd, UInt64(addresses.bssEnd)) - start.rawValue, of: file)
    try file.load(count, at: offset, to: start, of: space.memory, "the image")
    let entry = GuestAddress(UInt64(addresses.entry))
    guard range.contains(GuestRange(start: entry, count: 1)!) else { throw BootError(file.path, .entryOutside(entry)) }
  }

  /// The boot information (specification, 3.3), and within its page the memory map and the list of modules.
  private enum Information {
    static let memoryMapOffset = 0x80
    static let modulesOffset = 0x180
    static let moduleBytes = 16
    static let hasMemory: UInt32 = 1 << 0
    static let hasCommandLine: UInt32 = 1 << 2
    static let hasModules: UInt32 = 1 << 3
    static let hasMemoryMap: UInt32 = 1 << 6
    static let hasLoaderName: UInt32 = 1 << 9
  }

  private static func install(_ request: BootRequest, into space: inout GuestSpace) throws(BootError) -> GuestAddress {
    let area = BootLayout.bootInfo
    let modules = request.allModules
    let limit = (area.count - Information.modulesOffset) / Information.moduleBytes
    guard modules.count <= limit else {
      throw BootError("--module", .tooManyModules(count: modules.count, limit: limit))
    }
    let map = MemoryMap(of: space.memory)
    var strings = BootStrings(in: space.memory)
    func word(_ address: GuestAddress) -> UInt32 { UInt32(truncatingIfNeeded: address.rawValue) }

    var info = [UInt8](repeating: 0, count: Information.modulesOffset)
    info.put(
      Information.hasMemory | Information.hasCommandLine | Information.hasModules | Information.hasMemoryMap
        | Information.hasLoaderName, at: 0)
    info.put(UInt32(map.baseBytes / 1024), at: 4)
    info.put(UInt32(map.extendedBytes / 1024), at: 8)
    info.put(word(try strings.add(line(request.kernel, request.commandLine ?? ""), from: "--cmdline")), at: 16)
    info.put(UInt32(modules.count), at: 20)
    info.put(word(area.address(Information.modulesOffset)), at: 24)
    info.put(UInt32(map.entries.count * 24), at: 44)
    info.put(word(area.address(Information.memoryMapOffset)), at: 48)
    info.put(word(try strings.add("Rowhouse", from: "--cmdline")), at: 64)
    for (index, entry) in map.entries.enumerated() {
      let offset = Information.memoryMapOffset + index * 24
      info.put(UInt32(20), at: offset)  // the entry's size without this field
      info.put(entry.range.start.rawValue, at: offset + 4)
      info.put(entry.range.count, at: offset + 12)
      info.put(entry.kind.rawValue, at: offset + 20)
    }
    for module in modules {
      // Right behind the kernel, in order: kernels take the memory behind the last module for their own.
      let range = try space.claimBehind(module.name, count: module.file.size, of: module.file)
      try module.file.load(module.file.size, at: 0, to: range.start, of: space.memory, module.name)
      info.append(little: word(range.start))
      info.append(little: word(range.end))
      info.append(little: word(try strings.add(line(module.file, module.string), from: "--module")))
      info.append(little: UInt32(0))
    }
    try space.memory.place(info, in: area)
    return area.start
  }

  /// A file's name and its arguments: the custom of multiboot loaders, on which kernels rely when they skip the
  /// first word.
  private static func line(_ file: ImageFile, _ arguments: String) -> String {
    let name = String(file.name.map { $0 == " " ? "_" : $0 })
    return arguments.isEmpty ? name : name + " " + arguments
  }
}
