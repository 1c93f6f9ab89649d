import CKVM
import GuestMemory

// The states in which boot protocols want the first CPU, as KVM's registers.

/// A code and a data segment of a flat address space, and the table that describes them to the guest.
package struct FlatSegments: Sendable {
  package let codeSelector: UInt16
  package let dataSelector: UInt16
  /// Where the global descriptor table lies; its limit is the offset of its last byte.
  package let tableBase: GuestAddress
  package let tableLimit: UInt16

  package init(codeSelector: UInt16, dataSelector: UInt16, tableBase: GuestAddress, tableLimit: UInt16) {
    self.codeSelector = codeSelector
    self.dataSelector = dataSelector
    self.tableBase = tableBase
    self.tableLimit = tableLimit
  }
}

/// General registers that a boot protocol gives a meaning; all others start as zero.
package struct EntryValues: Sendable {
  package var rax: UInt64 = 0
  package var rbx: UInt64 = 0
  package var rsi: UInt64 = 0

  package init(rax: UInt64 = 0, rbx: UInt64 = 0, rsi: UInt64 = 0) {
    self.rax = rax
    self.rbx = rbx
    self.rsi = rsi
  }
}

extension VirtualCPU {
  /// 64-bit mode with paging on, interrupts off.
  ///
  /// - Parameter pageTables: the top table of a four-level mapping in guest memory.
  package func enterLongMode(
    at entry: GuestAddress, _ values: EntryValues, _ segments: FlatSegments, pageTables: GuestAddress
  ) throws(KVMError) {
    var special = try specialRegisters()
    special.load(segments, isLong: true)
    special.cr3 = pageTables.rawValue
    special.cr4 |= ControlBits.cr4PAE
    special.cr0 |= ControlBits.cr0PE | ControlBits.cr0PG | ControlBits.cr0ET
    special.efer |= ControlBits.eferLME | ControlBits.eferLMA
    try setSpecialRegisters(special)
    try setRegisters(kvm_regs(entry: entry.rawValue, values))
  }

  /// 32-bit protected mode without paging, interrupts off.
  package func enterProtectedMode(
    at entry: GuestAddress, _ values: EntryValues, _ segments: FlatSegments
  ) throws(KVMError) {
    var special = try specialRegisters()
    special.load(segments, isLong: false)
    special.cr0 = special.cr0 & ~ControlBits.cr0PG | ControlBits.cr0PE | ControlBits.cr0ET
    try setSpecialRegisters(special)
    try setRegisters(kvm_regs(entry: entry.rawValue, values))
  }

  /// 16-bit real mode, interrupts off, all data segments at 0.
  ///
  /// - Parameter segment: the code segment's paragraph; code starts at `segment * 16 + offset`.
  package func enterRealMode(segment: UInt16, offset: UInt16) throws(KVMError) {
    var special = try specialRegisters()
    special.cs.selector = segment
    special.cs.base = UInt64(segment) << 4
    try setSpecialRegisters(special)
    try setRegisters(kvm_regs(entry: UInt64(offset), EntryValues()))
  }
}

/// Bits of the control registers (Intel SDM volume 3, section 2.5).
private enum ControlBits {
  static let cr0PE: UInt64 = 1 << 0
  static let cr0ET: UInt64 = 1 << 4
  static let cr0PG: UInt64 = 1 << 31
  static let cr4PAE: UInt64 = 1 << 5
  static let eferLME: UInt64 = 1 << 8
  static let eferLMA: UInt64 = 1 << 10
}

extension kvm_regs {
  fileprivate init(entry: UInt64, _ values: EntryValues) {
    self.init()
    rip = entry
    rax = values.rax
    rbx = values.rbx
    rsi = values.rsi
    rflags = 1 << 1  // always one; everything else, interrupts too, is off
  }
}

extension kvm_sregs {
  /// Loads the flat segments into all segment registers, as if the guest had done it from the table.
  mutating func load(_ segments: FlatSegments, isLong: Bool) {
    var code = kvm_segment()
    code.limit = 0xffff_ffff
    code.selector = segments.codeSelector
    code.type = 0b1011  // execute, read, accessed
    (code.present, code.s, code.g) = (1, 1, 1)
    (code.l, code.db) = isLong ? (1, 0) : (0, 1)
    var data = code
    data.selector = segments.dataSelector
    data.type = 0b0011  // read, write, accessed
    (data.l, data.db) = (0, 1)
    cs = code
    (ds, es, ss, fs, gs) = (data, data, data, data, data)
    // PVH wants an active task state segment at 0 with just its architectural size (Xen, docs/misc/pvh); Linux and
    // multiboot have no wish.
    tr = kvm_segment()
    tr.limit = 0x67
    tr.type = 0b1011  // busy TSS
    tr.present = 1
    gdt.base = segments.tableBase.rawValue
    gdt.limit = segments.tableLimit
  }
}
