/// What the boot loader tells a PVH guest: `hvm_start_info`, version 1 (Xen,
/// xen/include/public/arch-x86/hvm/start_info.h). The stored properties are the structure's fields in
/// order; Swift lays naturally aligned ones out as C does.
struct StartInfo: BitwiseCopyable {
  /// "xEn3" with the top bit of the first letter set.
  static let expectedMagic: UInt32 = 0x336e_c578

  let magic: UInt32
  let version: UInt32
  let flags: UInt32
  private let moduleCount: UInt32
  private let moduleList: UInt64
  private let commandLineAddress: UInt64
  private let rsdpAddress: UInt64
  private let memoryMapAddress: UInt64
  private let memoryMapCount: UInt32
  private let reserved: UInt32

  /// One file loaded beside the kernel (`hvm_modlist_entry`).
  struct Module: BitwiseCopyable {
    let address: UInt64
    let size: UInt64
    private let commandLineAddress: UInt64
    private let reserved: UInt64

    var commandLine: PhysicalText { PhysicalText(zeroTerminatedAt: PhysicalAddress(commandLineAddress)) }
  }

  /// One range of the memory map (`hvm_memmap_table_entry`).
  struct MemoryRange: BitwiseCopyable {
    let address: UInt64
    let size: UInt64
    /// As in an e820 map.
    let kind: UInt32
    private let reserved: UInt32
  }

  var modules: PhysicalArray<Module> {
    PhysicalArray(start: PhysicalAddress(moduleList), count: Int(moduleCount))
  }

  /// Empty if the loader speaks version 0 of the protocol, which has no map.
  var memoryMap: PhysicalArray<MemoryRange> {
    PhysicalArray(start: PhysicalAddress(memoryMapAddress), count: version >= 1 ? Int(memoryMapCount) : 0)
  }

  var options: Options {
    Options(text: PhysicalText(zeroTerminatedAt: PhysicalAddress(commandLineAddress)))
  }

  /// The root of the ACPI tables, if there are any.
  var rsdp: PhysicalAddress? { rsdpAddress == 0 ? nil : PhysicalAddress(rsdpAddress) }
}

/// Prints one range of a memory map, its kind by name (ACPI 6.4, table 15.2).
func sayMemory(from address: UInt64, size: UInt64, kind: UInt32) {
  let name: StaticString =
    switch kind {
    case 1: "usable"
    case 2: "reserved"
    case 3: "ACPI reclaimable"
    case 4: "ACPI NVS"
    case 5: "unusable"
    default: "of another kind"
    }
  say("memory \(hex: address, width: 9) + \(hex: size, width: 9) \(name)")
}
