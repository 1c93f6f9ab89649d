import GuestMemory

/// How the first CPU must be set up to enter the kernel. Interrupts are off, all registers that are not named are zero.
package enum EntryState: Equatable, Sendable {
  /// 64-bit mode, paging on (Linux/x86 boot protocol, "64-bit Boot Protocol"): flat segments with the selectors of
  /// ``SegmentTable``.
  case longMode(rip: UInt64, rsi: UInt64, cr3: UInt64, gdt: SegmentTable)
  /// 32-bit protected mode, paging off: flat segments with the selectors of ``SegmentTable``, and a 32-bit TSS in TR
  /// with base 0 and limit 0x67 (which PVH wants).
  case protectedMode(ProtectedMode, gdt: SegmentTable)
  /// Real mode; all data segments are at 0.
  case realMode(segment: UInt16, offset: UInt16)

  package struct ProtectedMode: Equatable, Sendable {
    package var eip: UInt32
    package var eax: UInt32
    package var ebx: UInt32
    package var esi: UInt32

    package init(eip: UInt32, eax: UInt32 = 0, ebx: UInt32 = 0, esi: UInt32 = 0) {
      self.eip = eip
      self.eax = eax
      self.ebx = ebx
      self.esi = esi
    }
  }
}

/// A global descriptor table in guest memory with one flat code and one flat data segment over 4 GiB.
package struct SegmentTable: Equatable, Sendable {
  /// The selectors that Linux names __BOOT_CS and __BOOT_DS; the other protocols take any.
  package static let codeSelector: UInt16 = 0x10
  package static let dataSelector: UInt16 = 0x18

  /// The table's entries (Intel SDM volume 3, 3.4.5).
  package let entries: [UInt64]
  package var base: GuestAddress { BootLayout.gdt.start }
  /// The last valid byte's offset, as LGDT wants it.
  package var limit: UInt16 { UInt16(entries.count * 8 - 1) }

  // Present, ring 0, execute and read, accessed; 4 KiB granularity; L=1 or D=1.
  package static let longMode = SegmentTable(entries: [0, 0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff])
  package static let protectedMode = SegmentTable(entries: [0, 0, 0x00cf_9b00_0000_ffff, 0x00cf_9300_0000_ffff])

  /// Puts the table where ``base`` says.
  func install(in memory: GuestMemory) throws(BootError) {
    var bytes: [UInt8] = []
    for entry in entries { bytes.append(little: entry) }
    try memory.place(bytes, in: BootLayout.gdt)
  }
}

/// Page tables that map the first 4 GiB to themselves, in 2 MiB pages: every CPU has those, and a kernel, its zero page
/// and its command line always lie there.
enum IdentityMap {
  /// Puts the tables into ``BootLayout/pageTables``: one top level, one directory of pointers, four directories.
  ///
  /// - Returns: the value of CR3.
  static func install(in memory: GuestMemory) throws(BootError) -> UInt64 {
    let area = BootLayout.pageTables
    let page = 4096
    let entriesPerPage = 512
    // Bits of an entry (Intel SDM volume 3, 4.5): present and writable; a page of 2 MiB instead of a table.
    let table: UInt64 = 0b11
    let large: UInt64 = 1 << 7
    var tables = [UInt8](repeating: 0, count: 2 * page)
    tables.put(area.address(page).rawValue | table, at: 0)
    for index in 0..<4 { tables.put(area.address((2 + index) * page).rawValue | table, at: page + index * 8) }
    for index in 0..<UInt64(4 * entriesPerPage) { tables.append(little: index << 21 | large | table) }
    try memory.place(tables, in: area)
    return area.start.rawValue
  }
}
