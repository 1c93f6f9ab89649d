import CKVM
import GuestMemory
import Testing

@testable import KVM

@Suite struct EntryRegistersTests {
  private let segments = FlatSegments(
    codeSelector: 0x10, dataSelector: 0x18, tableBase: GuestAddress(0x1000), tableLimit: 31)

  /// Xen, docs/misc/pvh: "tr: must be a 32-bit TSS (active) with a base of 0 and a limit of 0x67".
  @Test(arguments: [false, true])
  func theTaskRegisterIsAsPVHWantsIt(isLong: Bool) {
    var registers = kvm_sregs()
    registers.tr.limit = 0xffff
    registers.tr.base = 0x1234
    registers.load(segments, isLong: isLong)
    #expect(registers.tr.base == 0 && registers.tr.limit == 0x67)
    #expect(registers.tr.type == 0b1011 && registers.tr.present == 1 && registers.tr.s == 0)
  }

  @Test func segmentsAreFlat() {
    var registers = kvm_sregs()
    registers.load(segments, isLong: false)
    #expect(registers.cs.limit == .max && registers.cs.base == 0 && registers.cs.selector == 0x10)
    #expect(registers.ss.limit == .max && registers.ss.base == 0 && registers.ss.selector == 0x18)
    #expect(registers.cs.db == 1 && registers.cs.l == 0)
  }
}
