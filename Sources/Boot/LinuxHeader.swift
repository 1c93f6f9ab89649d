import GuestMemory

/// The setup header of a bzImage (Linux/x86 boot protocol, "Details of Header Fields"): read once, checked, and then
/// used.
package struct LinuxHeader {
  /// Where the header starts, in the file and in the zero page alike.
  static let start = 0x1f1
  /// The zero page has the next thing here.
  static let limit = 0x290
  /// Where `code32_start` says the protected-mode code goes when LOADED_HIGH is set.
  static let defaultLoadAddress: UInt64 = 0x10_0000

  /// (major << 8) + minor.
  package let version: UInt16
  /// Where the protected-mode code is in the file.
  let codeOffset: UInt64
  /// The size of the protected-mode code in the file.
  let codeBytes: UInt64
  /// Where the protected-mode code is to be loaded.
  let loadAddress: UInt64
  /// What the kernel needs before it reads its memory map: from where it runs, this many bytes.
  let runAddress: UInt64
  let initBytes: UInt64
  /// Whether the code has a 64-bit entry, 0x200 behind its start.
  package let has64BitEntry: Bool
  /// One more than the last address that an initrd may have.
  let initrdLimit: UInt64
  /// The longest command line in bytes, without the terminating zero.
  let commandLineLimit: Int
  /// The header as the file has it, from ``start`` on.
  let bytes: [UInt8]

  package static func isPresent(in file: ImageFile) throws(BootError) -> Bool {
    let head = try file.head(0x206)
    return head.count == 0x206 && head.integer(at: 0x1fe) as UInt16 == 0xaa55
      && head[0x202...].elementsEqual("HdrS".utf8)
  }

  package init(parsing file: ImageFile) throws(BootError) {
    func malformed(_ text: String) -> BootError { BootError(file.path, .malformed(text)) }
    let head = try file.read(Self.limit, at: 0, "the Linux setup header")
    func hex(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }

    version = head.integer(at: 0x206)
    guard version >= 0x0202 else {
      throw BootError(file.path, .unsupported(
        "a Linux kernel with boot protocol \(version >> 8).\(version & 0xff), at least 2.2 is needed"))
    }
    let loadedHigh = head[0x211] & 1 != 0
    guard loadedHigh else {
      throw BootError(file.path, .unsupported("a zImage (loadflags \(hex(head[0x211]))), only a bzImage can be"))
    }

    // Zero sectors of setup mean four; the boot sector comes on top.
    codeOffset = (UInt64(head[0x1f1] == 0 ? 4 : head[0x1f1]) + 1) * 512
    guard codeOffset < file.size else {
      throw malformed("setup_sects \(head[0x1f1]) puts the kernel at offset \(codeOffset), the file has \(file.size)")
    }
    // In paragraphs of 16 bytes, and 16 bits wide before protocol 2.04; what follows in the file is a signature.
    let available = file.size - codeOffset
    let systemBytes = UInt64(head.integer(at: 0x1f4, as: UInt32.self)) * 16
    if version >= 0x0204, systemBytes > 0 {
      // The build rounds the size up to a paragraph without always padding the file.
      guard systemBytes < available + 16 else {
        throw BootError(file.path, .truncated(
          "the kernel (syssize \(hex(systemBytes / 16)))", offset: codeOffset, count: systemBytes, size: file.size))
      }
      codeBytes = min(systemBytes, available)
    } else {
      codeBytes = available
    }

    let relocatable = version >= 0x0205 && head[0x234] != 0
    let preferred = version >= 0x020a ? head.integer(at: 0x258, as: UInt64.self) : 0
    let needed = version >= 0x020a ? UInt64(head.integer(at: 0x260, as: UInt32.self)) : 0
    initBytes = max(needed, codeBytes)
    if relocatable {
      let alignment: UInt32 = head.integer(at: 0x230)
      guard alignment.nonzeroBitCount == 1 else { throw malformed("kernel_alignment \(hex(alignment))") }
      let wanted = GuestAddress(preferred == 0 ? Self.defaultLoadAddress : preferred)
      guard let aligned = wanted.alignedUp(to: UInt64(alignment)) else {
        throw malformed("pref_address \(hex(preferred)) with kernel_alignment \(hex(alignment))")
      }
      loadAddress = aligned.rawValue
      runAddress = aligned.rawValue
    } else {
      loadAddress = Self.defaultLoadAddress
      runAddress = preferred == 0 ? Self.defaultLoadAddress : preferred
    }

    has64BitEntry = version >= 0x020c && head.integer(at: 0x236, as: UInt16.self) & 1 != 0
    guard !has64BitEntry || codeBytes > 0x200 else {
      throw malformed("a 64-bit entry at 0x200 in \(codeBytes) bytes of kernel")
    }
    initrdLimit = (version >= 0x0203 ? UInt64(head.integer(at: 0x22c, as: UInt32.self)) : 0x37ff_ffff) + 1
    commandLineLimit = version >= 0x0206 ? Int(head.integer(at: 0x238, as: UInt32.self)) : 255
    // The jump over the header tells how long it is.
    let end = min(0x202 + Int(head[0x201]), Self.limit)
    bytes = Array(head[Self.start..<max(end, 0x230)])
  }

  /// Which Linux the kernel says that it is (`kernel_version`), as 6 and 12; nil: it does not say.
  package func release(in file: ImageFile) throws(BootError) -> (major: Int, minor: Int)? {
    let place = UInt64(bytes.integer(at: 0x20e - Self.start, as: UInt16.self))
    // From where the header's own sector begins.
    guard place > 0, place + 0x200 < codeOffset else { return nil }
    let text = try file.read(Int(min(16, codeOffset - (place + 0x200))), at: place + 0x200, "the kernel's version")
    let numbers = text.prefix { $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      .split(separator: UInt8(ascii: ".")).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    return numbers.count >= 2 ? (numbers[0], numbers[1]) : nil
  }

  /// Where in the file the compressed kernel is (`payload_offset`, `payload_length`), which a bzImage that is booted as
  /// it is unpacks itself.
  ///
  /// - Returns: nil when the header does not tell, as before protocol 2.08.
  package func payload(in file: ImageFile) throws(BootError) -> Range<UInt64>? {
    let place = 0x248 - Self.start
    guard version >= 0x0208, bytes.count >= place + 8 else { return nil }
    let offset = UInt64(bytes.integer(at: place, as: UInt32.self))
    let count = UInt64(bytes.integer(at: place + 4, as: UInt32.self))
    if count == 0 { return nil }
    guard offset <= codeBytes, count <= codeBytes - offset else {
      throw BootError(file.path, .malformed(
        "payload_offset \(offset) and payload_length \(count) in \(codeBytes) bytes of kernel"))
    }
    return codeOffset + offset..<codeOffset + offset + count
  }
}
