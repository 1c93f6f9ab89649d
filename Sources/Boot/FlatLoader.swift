import GuestMemory

/// Puts raw bytes into memory and starts them in real mode, as a BIOS starts a boot sector.
///
/// The image may lie anywhere, also over what a BIOS leaves in low memory: whoever writes such a guest decides that.
enum FlatLoader {
  static func load(_ request: BootRequest, into memory: GuestMemory) throws(BootError) -> EntryState {
    for (isGiven, option) in [
      (request.initrd != nil, "--initrd"), (!request.modules.isEmpty, "--module"),
      (request.commandLine != nil, "--cmdline"),
    ] where isGiven { throw BootError(option, .unused(by: .flat)) }

    var space = GuestSpace(memory, reservesLayout: false)
    let file = request.kernel
    let range = try space.claim("the image", at: request.loadAddress, count: file.size, of: file)
    let entry = request.entry ?? request.loadAddress
    guard range.contains(GuestRange(start: entry, count: 1)!) else { throw BootError(file.path, .entryOutside(entry)) }
    guard entry.rawValue < BootLayout.oneMiB.rawValue else {
      throw BootError("--entry", .unsupported("\(entry) cannot be reached in real mode, which ends below 0x100000"))
    }
    try file.load(file.size, at: 0, to: range.start, of: memory, "the image")
    // Segment 0 as far as it reaches, as for a boot sector; above, the segment that makes the offset smallest.
    return entry.rawValue <= 0xffff
      ? .realMode(segment: 0, offset: UInt16(entry.rawValue))
      : .realMode(segment: UInt16(entry.rawValue >> 4), offset: UInt16(entry.rawValue & 0xf))
  }
}
