import Boot

/// A bzImage of Linux 6.1 with one sector of setup and a page of code that counts 0, 1, 2, … so that misplaced bytes
/// show.
package func bzImage(version: UInt16 = 0x020f, _ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: 1024)
  bytes[0x1f1] = 1
  bytes.put(UInt32(4096 / 16), at: 0x1f4)
  bytes.put(UInt16(0xaa55), at: 0x1fe)
  bytes[0x200] = 0xeb
  bytes[0x201] = 0x6a
  bytes.put(UInt32(0x5372_6448), at: 0x202)
  bytes.put(version, at: 0x206)
  bytes.put(UInt16(0x100), at: 0x20e)  // kernel_version, from 0x200 on
  bytes.replaceSubrange(0x300..<0x30a, with: Array("6.1.0-test".utf8))
  bytes[0x211] = 1  // LOADED_HIGH
  bytes.put(UInt32(0x10_0000), at: 0x214)
  bytes.put(UInt32(0x7fff_ffff), at: 0x22c)  // initrd_addr_max
  bytes.put(UInt32(0x20_0000), at: 0x230)  // kernel_alignment
  bytes[0x234] = 1  // relocatable_kernel
  bytes.put(UInt16(1), at: 0x236)  // XLF_KERNEL_64
  bytes.put(UInt32(100), at: 0x238)  // cmdline_size
  bytes.put(UInt64(0x100_0000), at: 0x258)  // pref_address
  bytes.put(UInt32(0x10_0000), at: 0x260)  // init_size
  bytes += (0..<4096).map { UInt8(truncatingIfNeeded: $0) }
  change(&bytes)
  return bytes
}

/// A bzImage that holds a compressed kernel behind its page of code.
package func bzImage(payload: [UInt8], version: UInt16 = 0x020f) -> [UInt8] {
  bzImage(version: version) { bytes in
    bytes.put(UInt32(4096), at: 0x248)  // payload_offset
    bytes.put(UInt32(payload.count), at: 0x24c)  // payload_length
    bytes += payload + [UInt8](repeating: 0, count: -payload.count & 15)
    bytes.put(UInt32((bytes.count - 1024) / 16), at: 0x1f4)
  }
}

/// A segment of a made-up ELF file.
package struct Segment {
  package var address: UInt64
  /// What its virtual address is above that.
  package var mapping: UInt64
  package var bytes: [UInt8]
  package var memorySize: UInt64?
  package var type: UInt32

  package init(address: UInt64, mapping: UInt64 = 0, bytes: [UInt8], memorySize: UInt64? = nil, type: UInt32 = 1) {
    self.address = address
    self.mapping = mapping
    self.bytes = bytes
    self.memorySize = memorySize
    self.type = type
  }

  /// XEN_ELFNOTE_PHYS32_ENTRY, behind a note of somebody else's.
  package static func pvhNote(entry: UInt32) -> Segment {
    var bytes: [UInt8] = []
    for (name, type, value) in [("GNU\0", UInt32(3), UInt32(0x1234)), ("Xen\0", 18, entry)] {
      bytes.append(little: UInt32(4))
      bytes.append(little: UInt32(4))
      bytes.append(little: type)
      bytes += Array(name.utf8)
      bytes.append(little: value)
    }
    return Segment(address: 0, bytes: bytes, type: 4)
  }
}

/// An executable for x86: header, program headers, then the segments' bytes.
package func elf(
  is64Bit: Bool = true, entry: UInt64, _ segments: [Segment], _ change: (inout [UInt8]) -> Void = { _ in }
)
  -> [UInt8]
{
  let headerSize = is64Bit ? 64 : 52
  let entrySize = is64Bit ? 56 : 32
  var bytes = [UInt8](repeating: 0, count: headerSize + segments.count * entrySize)
  bytes.replaceSubrange(0..<4, with: Array("\u{7f}ELF".utf8))
  bytes[4] = is64Bit ? 2 : 1
  bytes[5] = 1
  bytes[6] = 1
  bytes.put(UInt16(2), at: 16)
  bytes.put(UInt16(is64Bit ? 62 : 3), at: 18)
  if is64Bit {
    bytes.put(entry, at: 24)
    bytes.put(UInt64(headerSize), at: 32)
  } else {
    bytes.put(UInt32(entry), at: 24)
    bytes.put(UInt32(headerSize), at: 28)
  }
  bytes.put(UInt16(entrySize), at: is64Bit ? 54 : 42)
  bytes.put(UInt16(segments.count), at: is64Bit ? 56 : 44)
  for (index, segment) in segments.enumerated() {
    let base = headerSize + index * entrySize
    let fileSize = UInt64(segment.bytes.count)
    bytes.put(segment.type, at: base)
    if is64Bit {
      bytes.put(UInt64(bytes.count), at: base + 8)
      bytes.put(segment.address &+ segment.mapping, at: base + 16)
      bytes.put(segment.address, at: base + 24)
      bytes.put(fileSize, at: base + 32)
      bytes.put(segment.memorySize ?? fileSize, at: base + 40)
    } else {
      bytes.put(UInt32(bytes.count), at: base + 4)
      bytes.put(UInt32(truncatingIfNeeded: segment.address &+ segment.mapping), at: base + 8)
      bytes.put(UInt32(segment.address), at: base + 12)
      bytes.put(UInt32(fileSize), at: base + 16)
      bytes.put(UInt32(segment.memorySize ?? fileSize), at: base + 20)
    }
    bytes += segment.bytes
  }
  change(&bytes)
  return bytes
}

/// The words of a multiboot header.
package func multibootHeader(flags: UInt32, _ addresses: [UInt32] = []) -> [UInt8] {
  var bytes: [UInt8] = []
  for word in [0x1bad_b002, flags, 0 &- (0x1bad_b002 &+ flags)] + addresses { bytes.append(little: word) }
  return bytes
}

/// A PVH kernel of 16 bytes at 1 MiB with some BSS.
package func pvhKernel() -> [UInt8] {
  elf(entry: 0x10_0000, [
    Segment(address: 0x10_0000, bytes: Array(1...16), memorySize: 0x3000), .pvhNote(entry: 0x10_0004),
  ])
}

/// A Linux kernel of 64 bytes at 16 MiB, and behind its ELF file where it has numbers that depend on its address.
package func movableKernel() -> [UInt8] {
  let segment = Segment(
    address: 0x100_0000, mapping: 0xffff_ffff_8000_0000, bytes: [UInt8](repeating: 0xf4, count: 64))
  return elf(entry: 0x100_0000, [segment]) { bytes in
    for word in [0, 0x8100_0008, 0, 0x8100_0010, 0, 0x8100_0020] as [UInt32] { bytes.append(little: word) }
  }
}
