import GuestMemory

/// Puts the kernel and all that it is handed into fresh guest memory, with the tables that describe the machine.
///
/// - Parameters:
///   - memory: the guest's RAM, which must read as zeros: BSS segments are not written to.
///   - platform: the machine, for the firmware tables.
/// - Returns: how the first CPU enters the kernel.
/// - Throws: ``BootError``, for anything that is wrong with what the user gave.
package func load(
  _ request: BootRequest, into memory: GuestMemory, platform: Platform
) throws(BootError) -> EntryState {
  guard memory.bytes >= BootLayout.oneMiB.rawValue else {
    throw BootError("--memory", .memoryTooSmall(bytes: memory.bytes, minimum: BootLayout.oneMiB.rawValue))
  }
  let rsdp = try FirmwareTables(platform).install(in: memory)
  var space = GuestSpace(memory)
  let entry = try load(request, into: &space, rsdp: rsdp)
  switch entry {
  case .longMode(_, _, _, let gdt), .protectedMode(_, let gdt): try gdt.install(in: memory)
  case .realMode: break
  }
  return entry
}

private func load(
  _ request: BootRequest, into space: inout GuestSpace, rsdp: GuestAddress
) throws(BootError) -> EntryState {
  var request = request
  if let unpacked = request.unpacked {
    let elf = try ELFImage(parsing: unpacked)
    switch (request.bootProtocol ?? .linux) == .linux ? try KernelRelocations.behind(elf) : .nothing {
    case .found(let relocations):
      return try LinuxLoader.load(elf, movedBy: relocations, request, into: &space, rsdp: rsdp)
    case .nothing where (try? BootProtocol(detecting: unpacked)) != nil:
      request.kernel = unpacked
      request.commandLine = request.commandLine ?? request.defaultLinuxCommandLine
    // The bzImage's own code may know better.
    case .nothing, .unknown: break
    }
  }
  switch try request.resolvedProtocol() {
  case .linux: return try LinuxLoader.load(request, into: &space, rsdp: rsdp)
  case .pvh: return try PVHLoader.load(request, into: &space, rsdp: rsdp)
  case .multiboot: return try MultibootLoader.load(request, into: &space)
  case .flat: return try FlatLoader.load(request, into: space.memory)
  }
}
