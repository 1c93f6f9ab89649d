import GuestMemory

/// An executable ELF file for x86 (Tool Interface Standard, ELF 1.2; System V ABI, AMD64 supplement), checked as far as
/// a boot loader reads it.
struct ELFImage {
  let file: ImageFile
  let is64Bit: Bool
  let entry: UInt64
  let headers: [ProgramHeader]

  // What a hostile file may cost: kernels have a dozen program headers, a page of notes, and their banner in the first
  // megabytes.
  private static let maximumHeaders = 256
  private static let maximumNoteBytes: UInt64 = 1 << 20
  private static let maximumSearchedBytes: UInt64 = 256 << 20

  struct ProgramHeader {
    static let load: UInt32 = 1
    static let note: UInt32 = 4

    let type: UInt32
    let offset: UInt64
    let virtualAddress: UInt64
    let physicalAddress: UInt64
    let fileSize: UInt64
    let memorySize: UInt64
    let alignment: UInt64

    var isLoaded: Bool { type == Self.load && memorySize > 0 }

    /// Elf32_Phdr and Elf64_Phdr.
    init(_ bytes: [UInt8], at base: Int, is64Bit: Bool) {
      func word(_ offset: Int) -> UInt64 { UInt64(bytes.integer(at: base + offset, as: UInt32.self)) }
      func long(_ offset: Int) -> UInt64 { bytes.integer(at: base + offset) }
      type = bytes.integer(at: base)
      offset = is64Bit ? long(8) : word(4)
      virtualAddress = is64Bit ? long(16) : word(8)
      physicalAddress = is64Bit ? long(24) : word(12)
      fileSize = is64Bit ? long(32) : word(16)
      memorySize = is64Bit ? long(40) : word(20)
      alignment = is64Bit ? long(48) : word(28)
    }
  }

  static func isPresent(in file: ImageFile) throws(BootError) -> Bool {
    try file.head(4) == Array("\u{7f}ELF".utf8)
  }

  /// Reads and checks the ELF header and the program headers.
  init(parsing file: ImageFile) throws(BootError) {
    let identification = try file.read(16, at: 0, "the ELF identification")
    let fileClass = identification[4]
    guard fileClass == 1 || fileClass == 2 else {
      throw BootError(file.path, .malformed("ELF class \(fileClass)"))
    }
    let is64Bit = fileClass == 2
    guard identification[5] == 1 else { throw BootError(file.path, .unsupported("an ELF file, but not little-endian")) }
    let header = try file.read(is64Bit ? 64 : 52, at: 0, "the ELF header")
    let machine: UInt16 = header.integer(at: 18)
    guard [3, 62].contains(machine) else {
      throw BootError(file.path, .unsupported("an ELF file, but for machine \(machine) instead of x86"))
    }
    let type: UInt16 = header.integer(at: 16)
    // ET_EXEC, or ET_DYN of a kernel that can relocate itself: both give physical addresses.
    guard [2, 3].contains(type) else {
      throw BootError(file.path, .unsupported("an ELF file, but of type \(type) instead of an executable"))
    }
    let tableOffset: UInt64
    if is64Bit {
      entry = header.integer(at: 24)
      tableOffset = header.integer(at: 32)
    } else {
      entry = UInt64(header.integer(at: 24, as: UInt32.self))
      tableOffset = UInt64(header.integer(at: 28, as: UInt32.self))
    }
    let entrySize = Int(header.integer(at: is64Bit ? 54 : 42, as: UInt16.self))
    let count = Int(header.integer(at: is64Bit ? 56 : 44, as: UInt16.self))
    guard entrySize == (is64Bit ? 56 : 32) else {
      throw BootError(file.path, .malformed("ELF program headers of \(entrySize) bytes each"))
    }
    guard count <= Self.maximumHeaders else {
      let what = "an ELF file with \(count) program headers, of which at most \(Self.maximumHeaders) are read"
      throw BootError(file.path, .unsupported(what))
    }
    let table = try file.read(count * entrySize, at: tableOffset, "the table of \(count) ELF program headers")
    headers = (0..<count).map { ProgramHeader(table, at: $0 * entrySize, is64Bit: is64Bit) }
    self.file = file
    self.is64Bit = is64Bit
  }

  /// Puts all loadable segments at their physical addresses.
  ///
  /// What a segment has in memory beyond the file (its BSS) is not touched: fresh guest memory reads as zeros.
  ///
  /// - Parameter entry: the entry point, which must lie in what a segment loads from the file.
  func load(into space: inout GuestSpace, entry: UInt64) throws(BootError) {
    try forEachSegment(with: entry) { what, header throws(BootError) in
      let address = GuestAddress(header.physicalAddress)
      try space.claim(what, at: address, count: header.memorySize, of: file)
      try file.load(header.fileSize, at: header.offset, to: address, of: space.memory, what)
    }
  }

  /// The same for a kernel that goes elsewhere, to memory that is taken already.
  ///
  /// - Parameter extent: where the kernel is linked to, which `start` stands for the first byte of.
  func load(_ extent: GuestRange, to start: GuestAddress, of memory: GuestMemory) throws(BootError) {
    try forEachSegment(with: entry) { what, header throws(BootError) in
      let address = start.rawValue + (header.physicalAddress - extent.start.rawValue)
      try file.load(header.fileSize, at: header.offset, to: GuestAddress(address), of: memory, what)
    }
  }

  /// - Parameter entry: must lie in what one of the segments has in the file.
  private func forEachSegment(
    with entry: UInt64, _ body: (_ what: String, ProgramHeader) throws(BootError) -> Void
  ) throws(BootError) {
    var containsEntry = false
    for (index, header) in headers.enumerated() where header.isLoaded {
      let what = "segment \(index)"
      guard header.fileSize <= header.memorySize else {
        throw BootError(file.path, .malformed(
          "\(what) has \(header.fileSize) bytes in the file and only \(header.memorySize) in memory"))
      }
      try body(what, header)
      if entry >= header.physicalAddress, entry - header.physicalAddress < header.fileSize { containsEntry = true }
    }
    guard containsEntry else { throw BootError(file.path, .entryOutside(GuestAddress(entry))) }
  }

  /// The entry point that the note XEN_ELFNOTE_PHYS32_ENTRY gives (Xen, docs/misc/pvh: "PVH entry point"), nil
  /// without one.
  func pvhEntry() throws(BootError) -> UInt32? {
    var left = Self.maximumNoteBytes
    for header in headers where header.type == ProgramHeader.note {
      guard header.fileSize <= left else { continue }
      left -= header.fileSize
      let notes = try file.read(Int(header.fileSize), at: header.offset, "the segment of ELF notes")
      if let entry = Self.pvhEntry(inNotes: notes, alignment: header.alignment == 8 ? 8 : 4) { return entry }
    }
    return nil
  }

  /// Walks a list of notes: sizes of name and descriptor, type, then the two, each padded.
  private static func pvhEntry(inNotes notes: [UInt8], alignment: Int) -> UInt32? {
    func padded(_ count: Int) -> Int { (count + alignment - 1) & ~(alignment - 1) }
    var offset = 0
    while notes.count - offset >= 12 {
      let nameSize = Int(notes.integer(at: offset, as: UInt32.self))
      let size = Int(notes.integer(at: offset + 4, as: UInt32.self))
      let type: UInt32 = notes.integer(at: offset + 8)
      let start = offset + padded(12 + nameSize)
      guard start + size <= notes.count else { return nil }
      if type == 18, size >= 4, notes[(offset + 12)..<(offset + 12 + nameSize)].elementsEqual("Xen\0".utf8) {
        return notes.integer(at: start)
      }
      offset = start + padded(size)
    }
    return nil
  }

  /// Whether the first 256 MiB of the segments hold the text with which Linux begins its log.
  func containsLinuxBanner() throws(BootError) -> Bool {
    let banner = Array("Linux version ".utf8)
    let chunk: UInt64 = 1 << 20
    var left = Self.maximumSearchedBytes
    for (index, header) in headers.enumerated() where header.type == ProgramHeader.load {
      var done: UInt64 = 0
      while done < header.fileSize, left > 0 {
        left -= min(left, chunk)
        // Chunks overlap, so that no border hides the text.
        let count = min(header.fileSize - done, chunk + UInt64(banner.count) - 1)
        guard let offset = GuestAddress(header.offset).advanced(by: done) else { return false }
        if Self.contains(banner, in: try file.read(Int(count), at: offset.rawValue, "segment \(index)")) { return true }
        done += chunk
      }
    }
    return false
  }

  private static func contains(_ text: [UInt8], in bytes: [UInt8]) -> Bool {
    guard bytes.count >= text.count else { return false }
    return (0...(bytes.count - text.count)).contains { start in
      bytes[start] == text[0] && bytes[start..<start + text.count].elementsEqual(text)
    }
  }
}
