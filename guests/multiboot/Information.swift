/// The Multiboot information structure up to the boot loader's name; the stored properties are its fields
/// in order.
struct Information: BitwiseCopyable {
  /// The bits of `flags` that say which fields mean something.
  enum Field: UInt32 {
    case memory = 0
    case commandLine = 2
    case modules = 3
    case memoryMap = 6
    case bootLoaderName = 9
  }

  let flags: UInt32
  private let lowerMemory: UInt32
  private let upperMemory: UInt32
  private let bootDevice: UInt32
  private let commandLineAddress: UInt32
  private let moduleCount: UInt32
  private let moduleList: UInt32
  private let symbols: (UInt32, UInt32, UInt32, UInt32)
  private let memoryMapLength: UInt32
  private let memoryMapAddress: UInt32
  private let driveLength: UInt32
  private let driveAddress: UInt32
  private let configurationTable: UInt32
  private let bootLoaderNameAddress: UInt32

  func has(_ field: Field) -> Bool { flags & 1 << field.rawValue != 0 }

  /// KiB of memory from 0 and from 1 MiB.
  var memory: (lower: UInt32, upper: UInt32)? { has(.memory) ? (lowerMemory, upperMemory) : nil }

  var bootLoaderName: PhysicalText? { has(.bootLoaderName) ? text(at: bootLoaderNameAddress) : nil }
  var commandLine: PhysicalText? { has(.commandLine) ? text(at: commandLineAddress) : nil }

  struct Module: BitwiseCopyable {
    private let firstByte: UInt32
    private let endByte: UInt32
    private let textAddress: UInt32
    private let reserved: UInt32

    var address: PhysicalAddress { PhysicalAddress(UInt64(firstByte)) }
    var size: Int { Int(endByte) - Int(firstByte) }
    var text: PhysicalText { PhysicalText(zeroTerminatedAt: PhysicalAddress(UInt64(textAddress))) }
  }

  var modules: PhysicalArray<Module> {
    PhysicalArray(start: PhysicalAddress(UInt64(moduleList)), count: has(.modules) ? Int(moduleCount) : 0)
  }

  struct MemoryRange: BitwiseCopyable {
    let address: UInt64
    let size: UInt64
    /// As in an e820 map.
    let kind: UInt32
  }

  /// Each entry is preceded by its size, itself not counted, and may be longer than what is known of it.
  func forEachMemoryRange(_ body: (MemoryRange) -> Void) {
    var entry = PhysicalAddress(UInt64(memoryMapAddress))
    let end = entry.advanced(by: Int(memoryMapLength))
    while entry.rawValue < end.rawValue {
      let size = Int(entry.load(as: UInt32.self))
      expect(size >= 20, "the memory map has an entry of \(size) bytes")
      let fields = entry.advanced(by: 4)
      body(fields.load(as: MemoryRange.self))
      entry = fields.advanced(by: size)
    }
  }

  private func text(at address: UInt32) -> PhysicalText {
    PhysicalText(zeroTerminatedAt: PhysicalAddress(UInt64(address)))
  }
}
