/// Kernel files that a test makes up: sound ones, to be broken in one place each.
enum MadeUpKernel {
  /// An ELF64 file with a PVH note, by default one that boots: a segment at 1 MiB, entered at its start.
  struct ELF {
    struct Segment {
      /// Nil: where the contents are.
      var offset: UInt64?
      var address: UInt64 = 1 << 20
      var fileBytes: UInt64 = 256
      var memoryBytes: UInt64 = 4096
    }

    var fileClass: UInt8 = 2
    var dataEncoding: UInt8 = 1
    var type: UInt16 = 2
    var machine: UInt16 = 62
    var entry: UInt32 = 1 << 20
    var segments = [Segment()]
    var hasNote = true

    var bytes: [UInt8] {
      let headerCount = segments.count + (hasNote ? 1 : 0)
      let contents = UInt64(64 + headerCount * 56)
      var file: [UInt8] = [0x7f] + Array("ELF".utf8) + [fileClass, dataEncoding, 1] + [UInt8](repeating: 0, count: 9)
      file.append(type)
      file.append(machine)
      file.append(1 as UInt32)  // e_version
      file.append(UInt64(entry))
      file.append(64 as UInt64)  // e_phoff
      file.append(0 as UInt64)  // e_shoff
      file.append(0 as UInt32)  // e_flags
      for half in [64, 56, UInt16(headerCount), 0, 0, 0] { file.append(half) }
      func header(_ type: UInt32, _ segment: Segment) {
        file.append(type)
        file.append(7 as UInt32)
        file.append(segment.offset ?? contents)
        file.append(segment.address)
        file.append(segment.address)
        file.append(segment.fileBytes)
        file.append(segment.memoryBytes)
        file.append(4 as UInt64)
      }
      for segment in segments { header(1, segment) }
      if hasNote { header(4, Segment(offset: contents + 256, address: 0, fileBytes: 20, memoryBytes: 20)) }
      file += [UInt8](repeating: 0xf4, count: 256)  // HLT
      // XEN_ELFNOTE_PHYS32_ENTRY.
      for word in [4, 4, 18] as [UInt32] { file.append(word) }
      file += Array("Xen\0".utf8)
      file.append(entry)
      return file
    }
  }

  /// Fields of Linux' setup header (Linux/x86 boot protocol), by default of a kernel that can be loaded.
  struct LinuxFields {
    var setupSectors: UInt8 = 3
    var version: UInt16 = 0x020f
    var loadFlags: UInt8 = 1
    var alignment: UInt32 = 0x20_0000
    var preferredAddress: UInt64 = 0x100_0000
    var initSize: UInt32 = 0x10_0000
    var commandLineBytes: UInt32 = 2047
  }

  /// A bzImage whose kernel is 8 KiB of HLT, and says that it is Linux 6.1.
  static func bzImage(_ change: (inout LinuxFields) -> Void = { _ in }) -> [UInt8] {
    var fields = LinuxFields()
    change(&fields)
    let kernelBytes = 8192
    var file = [UInt8](repeating: 0, count: 4 * 512)
    func put(_ value: some FixedWidthInteger, at offset: Int) {
      for index in 0..<value.bitWidth / 8 { file[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
    }
    put(fields.setupSectors, at: 0x1f1)
    put(UInt32(kernelBytes / 16), at: 0x1f4)
    put(0xaa55 as UInt16, at: 0x1fe)
    put(0x66eb as UInt16, at: 0x200)
    file.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    put(fields.version, at: 0x206)
    put(0x100 as UInt16, at: 0x20e)
    file.replaceSubrange(0x300..<0x304, with: Array("6.1 ".utf8))
    put(fields.loadFlags, at: 0x211)
    put(0x7fff_ffff as UInt32, at: 0x22c)
    put(fields.alignment, at: 0x230)
    put(1 as UInt8, at: 0x234)
    put(1 as UInt16, at: 0x236)
    put(fields.commandLineBytes, at: 0x238)
    put(fields.preferredAddress, at: 0x258)
    put(fields.initSize, at: 0x260)
    return file + [UInt8](repeating: 0xf4, count: kernelBytes)
  }
}

extension [UInt8] {
  /// Appends an integer, its low byte first.
  fileprivate mutating func append(_ value: some FixedWidthInteger) {
    for index in 0..<value.bitWidth / 8 { append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
}
