import GuestMemory

/// What a kernel may use of the guest's physical address space, as a PC's firmware reports it (INT 15h, AX=E820h).
///
/// The zero page, PVH's start info and multiboot's information carry the same entries, each in its own packing.
package struct MemoryMap: Equatable, Sendable {
  /// The types are those of the ACPI specification 6.5, table 15.4, which all three packings share.
  package enum Kind: UInt32, Sendable {
    case usable = 1
    case reserved = 2
  }

  package struct Entry: Equatable, Sendable {
    package let range: GuestRange
    package let kind: Kind
  }

  /// Ascending, without overlap, none empty.
  package let entries: [Entry]

  /// The map of a guest with this RAM, 1 MiB at least.
  package init(of memory: GuestMemory) {
    self.init(ram: memory.regions.map(\.range))
  }

  /// - Parameter ram: ascending ranges, the first from 0 to 1 MiB at least.
  init(ram: [GuestRange]) {
    let tablesStart = BootLayout.acpi.start.rawValue
    var entries: [Entry] = []
    func add(_ start: UInt64, _ end: UInt64, _ kind: Kind) {
      guard start < end, let range = GuestRange(start: GuestAddress(start), count: end - start) else { return }
      entries.append(Entry(range: range, kind: kind))
    }
    add(0, BootLayout.ebda.start.rawValue, .usable)
    add(BootLayout.ebda.start.rawValue, BootLayout.ebda.range.end.rawValue, .reserved)
    add(tablesStart, BootLayout.oneMiB.rawValue, .reserved)
    for range in ram {
      add(max(range.start, BootLayout.oneMiB).rawValue, range.end.rawValue, .usable)
    }
    self.entries = entries
  }

  /// Usable memory from 1 MiB to the first hole, in bytes: what older interfaces know as extended memory.
  var extendedBytes: UInt64 {
    entries.first { $0.range.start == BootLayout.oneMiB }?.range.count ?? 0
  }

  /// Usable memory below 640 KiB, in bytes.
  var baseBytes: UInt64 { BootLayout.ebda.start.rawValue }
}
