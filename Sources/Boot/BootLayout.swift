import GuestMemory

/// Where everything that a boot loader leaves in guest RAM has its place; `docs/memory-map.md` shows the same table.
///
/// All of it lies below 1 MiB, so that the smallest guest has it and a kernel at 1 MiB never meets it. What a kernel
/// needs after it has taken over (the EBDA, the tables) is reserved in the ``MemoryMap``; the rest is loader memory in
/// usable RAM: the boot protocols make the kernel copy or avoid it before it uses that RAM for something else.
package enum BootLayout {
  /// A named stretch of guest RAM.
  package struct Area: Sendable {
    package let range: GuestRange
    package let name: String

    fileprivate init(_ start: UInt64, _ count: UInt64, _ name: String) {
      range = GuestRange(start: GuestAddress(start), count: count)!
      self.name = name
    }

    package var start: GuestAddress { range.start }
    /// The size in bytes.
    package var count: Int { Int(range.count) }

    /// The address `offset` bytes behind the start; it must lie in the area.
    func address(_ offset: Int) -> GuestAddress { GuestAddress(start.rawValue + UInt64(offset)) }
  }

  package static let biosData = Area(0x400, 0x100, "BIOS data area")
  package static let gdt = Area(0x5000, 0x1000, "GDT")
  package static let bootInfo = Area(0x6000, 0x1000, "PVH start info or multiboot information")
  package static let zeroPage = Area(0x7000, 0x1000, "Linux zero page")
  package static let setupData = Area(0x8000, 0x1000, "Linux setup data")
  package static let pageTables = Area(0x9000, 0x6000, "page tables")
  package static let strings = Area(0x1_0000, 0x1_0000, "command line and module strings")
  package static let ebda = Area(0x9_fc00, 0x400, "EBDA")
  package static let acpi = Area(0xe_0000, 0x1_0000, "ACPI tables")
  package static let mpTable = Area(0xf_0000, 0x1_0000, "MP table")

  /// All areas in ascending order.
  package static let all = [
    biosData, gdt, bootInfo, zeroPage, setupData, pageTables, strings, ebda, acpi, mpTable,
  ]

  /// Where a PC has its video memory and adapter ROMs; RAM is behind it here, but no kernel expects any.
  package static let legacyHole = GuestRange(start: GuestAddress(0xa_0000), count: 0x4_0000)!

  /// Where the memory of modern kernels starts; also the least RAM that a guest can have.
  package static let oneMiB = GuestAddress(0x10_0000)
}

extension GuestMemory {
  /// Writes a structure of the boot loader into its area.
  ///
  /// - Parameter offset: bytes from the area's start.
  /// - Throws: ``BootError`` when the area is too small for the structure, or the guest's memory for the area.
  func place(_ bytes: [UInt8], in area: BootLayout.Area, at offset: Int = 0) throws(BootError) {
    guard offset + bytes.count <= area.count else {
      throw BootError("the \(area.name)", .tooLarge(count: offset + bytes.count, limit: area.count))
    }
    do throws(GuestMemoryError) {
      try write(bytes, at: area.address(offset))
    } catch {
      throw BootError("--memory", .memoryTooSmall(bytes: self.bytes, minimum: BootLayout.oneMiB.rawValue))
    }
  }
}
