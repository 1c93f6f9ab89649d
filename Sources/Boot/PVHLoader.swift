import GuestMemory

/// Boots an ELF file by Xen's PVH protocol (Xen's public header arch-x86/hvm/start_info.h).
enum PVHLoader {
  private enum StartInfo {
    static let magic: UInt32 = 0x336e_c578
    static let version: UInt32 = 1
    static let moduleBytes = 32
    static let memoryMapEntryBytes = 24
    // Within the page of the boot information: the start info, the memory map, then modules to the page's end.
    static let memoryMapOffset = 0x40
    static let modulesOffset = 0x100
  }

  static func load(_ request: BootRequest, into space: inout GuestSpace, rsdp: GuestAddress) throws(BootError)
    -> EntryState
  {
    let kernel = request.unpacked ?? request.kernel
    guard try ELFImage.isPresent(in: kernel) else {
      throw BootError(kernel.path, .not(.pvh, missing: "it is no ELF file"))
    }
    let elf = try ELFImage(parsing: kernel)
    guard let entry = try elf.pvhEntry() else {
      throw BootError(kernel.path, .not(.pvh, missing: "it has no PVH note (XEN_ELFNOTE_PHYS32_ENTRY)"))
    }
    try elf.load(into: &space, entry: UInt64(entry))

    let area = BootLayout.bootInfo
    let modules = request.allModules
    let limit = (area.count - StartInfo.modulesOffset) / StartInfo.moduleBytes
    guard modules.count <= limit else {
      throw BootError("--module", .tooManyModules(count: modules.count, limit: limit))
    }
    var strings = BootStrings(in: space.memory)
    let commandLine = try strings.add(request.commandLine ?? "", from: "--cmdline")
    let map = MemoryMap(of: space.memory)

    var info = [UInt8](repeating: 0, count: StartInfo.modulesOffset)
    info.put(StartInfo.magic, at: 0)
    info.put(StartInfo.version, at: 4)
    info.put(UInt32(modules.count), at: 12)
    info.put(modules.isEmpty ? 0 : area.address(StartInfo.modulesOffset).rawValue, at: 16)
    info.put(commandLine.rawValue, at: 24)
    info.put(rsdp.rawValue, at: 32)
    info.put(area.address(StartInfo.memoryMapOffset).rawValue, at: 40)
    info.put(UInt32(map.entries.count), at: 48)
    for (index, entry) in map.entries.enumerated() {
      let offset = StartInfo.memoryMapOffset + index * StartInfo.memoryMapEntryBytes
      info.put(entry.range.start.rawValue, at: offset)
      info.put(entry.range.count, at: offset + 8)
      info.put(entry.kind.rawValue, at: offset + 16)
    }
    for module in modules {
      let range = try space.claimHigh(module.name, count: module.file.size, below: .max, of: module.file)
      try module.file.load(module.file.size, at: 0, to: range.start, of: space.memory, module.name)
      info.append(little: range.start.rawValue)
      info.append(little: range.count)
      info.append(little: module.string.isEmpty ? 0 : try strings.add(module.string, from: "--module").rawValue)
      info.append(little: UInt64(0))
    }
    try space.memory.place(info, in: area)
    return .protectedMode(.init(eip: entry, ebx: UInt32(area.start.rawValue)), gdt: .protectedMode)
  }
}
