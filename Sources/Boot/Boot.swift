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
  let entry: EntryState
  var space = GuestSpace(memory)
  switch try request.resolvedProtocol() {
  case .linux: entry = try LinuxLoader.load(request, into: &space, rsdp: rsdp)
  case .pvh: entry = try PVHLoader.load(request, into: &space, rsdp: rsdp)
  case .multiboot: entry = try MultibootLoader.load(request, into: &space)
  case .flat: entry = try FlatLoader.load(request, into: memory)
  }
  switch entry {
  case .longMode(_, _, _, let gdt), .protectedMode(_, let gdt): try gdt.install(in: memory)
  case .realMode: break
  }
  return entry
}
