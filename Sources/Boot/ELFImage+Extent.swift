import GuestMemory

/// How far an ELF file goes, in memory and in itself.
extension ELFImage {
  /// The physical addresses that the loadable segments take together; nil when there are none, or two overlap.
  var extent: GuestRange? {
    let segments = headers.filter(\.isLoaded).sorted { $0.physicalAddress < $1.physicalAddress }
    guard let start = segments.first?.physicalAddress else { return nil }
    var end = start
    for segment in segments {
      let (segmentEnd, overflow) = segment.physicalAddress.addingReportingOverflow(segment.memorySize)
      guard segment.physicalAddress >= end, !overflow else { return nil }
      end = segmentEnd
    }
    return GuestRange(start: GuestAddress(start), count: end - start)
  }

  /// The file's offset behind all that the ELF format knows of it: headers, segments and sections.
  ///
  /// - Returns: nil when it should be longer than it is.
  func contentsEnd() throws(BootError) -> UInt64? {
    precondition(is64Bit)
    let header = try file.read(64, at: 0, "the ELF header")
    // Where the two tables start, the section headers' size, and how many there are.
    let programTable: UInt64 = header.integer(at: 32)
    let sectionTable: UInt64 = header.integer(at: 40)
    let sectionBytes = Int(header.integer(at: 58, as: UInt16.self))
    let sectionCount = Int(header.integer(at: 60, as: UInt16.self))
    var parts = [(0, 64), (programTable, UInt64(headers.count * 56))] + headers.map { ($0.offset, $0.fileSize) }
    if sectionCount > 0 {
      let count = sectionCount * sectionBytes
      guard sectionBytes == 64, sectionTable <= file.size, UInt64(count) <= file.size - sectionTable else { return nil }
      parts.append((sectionTable, UInt64(count)))
      let table = try file.read(count, at: sectionTable, "the table of ELF section headers")
      // Elf64_Shdr: sh_type, sh_offset, sh_size. One of type SHT_NOBITS has nothing in the file.
      for base in stride(from: 0, to: count, by: sectionBytes) where table.integer(at: base + 4) != UInt32(8) {
        parts.append((table.integer(at: base + 24), table.integer(at: base + 32)))
      }
    }
    var end: UInt64 = 0
    for (offset, count) in parts {
      guard offset <= file.size, count <= file.size - offset else { return nil }
      end = max(end, offset + count)
    }
    return end
  }
}
