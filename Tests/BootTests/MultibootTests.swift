import Boot
import GuestMemory
import MadeUpImages
import Testing

@Suite struct MultibootTests {
  private let information = BootLayout.bootInfo.start.rawValue

  private func kernel(is64Bit: Bool = false, flags: UInt32 = 3) -> [UInt8] {
    elf(
      is64Bit: is64Bit, entry: 0x10_000c,
      [Segment(address: 0x10_0000, bytes: multibootHeader(flags: flags) + [0xf4])])
  }

  /// The header 8 bytes into the image, which is loaded at 1 MiB and has 16 bytes more in memory.
  private func kludge(_ change: (inout [UInt32]) -> Void = { _ in }) -> [UInt8] {
    var addresses: [UInt32] = [0x10_0008, 0x10_0000, 0x10_002c, 0x10_003c, 0x10_0028]
    change(&addresses)
    return [UInt8](repeating: 0x90, count: 8) + multibootHeader(flags: 1 << 16, addresses) + [0xf4, 1, 2, 3]
  }

  @Test(arguments: [false, true])
  func anELFKernelGetsItsInformation(is64Bit: Bool) throws {
    var request = BootRequest(kernel: try image(kernel(is64Bit: is64Bit), named: "my kernel"))
    request.commandLine = "a=b"
    request.modules = [
      .init(file: try image([1, 2, 3], named: "first")), .init(file: try image([4], named: "second"), string: "x y"),
    ]
    let loaded = try Loaded(request)
    #expect(
      loaded.entry == .protectedMode(
        .init(eip: 0x10_000c, eax: 0x2bad_b002, ebx: UInt32(information)), gdt: .protectedMode))
    func word(_ address: UInt64) throws -> UInt64 { UInt64(try loaded.integer(address) as UInt32) }

    #expect(try word(information) == 0b10_0100_1101)
    #expect(try word(information + 4) == 639)
    #expect(try word(information + 8) == 63 * 1024)
    #expect(try loaded.text(word(information + 16)) == "my_kernel a=b")
    #expect(try loaded.text(word(information + 64)) == "Rowhouse")
    let map = MemoryMap(of: loaded.memory)
    #expect(try word(information + 44) == UInt64(map.entries.count) * 24)
    for (index, entry) in map.entries.enumerated() {
      let base = try word(information + 48) + UInt64(index) * 24
      #expect(try word(base) == 20)
      #expect(try loaded.integer(base + 4) as UInt64 == entry.range.start.rawValue)
      #expect(try loaded.integer(base + 12) as UInt64 == entry.range.count)
      #expect(try word(base + 20) == UInt64(entry.kind.rawValue))
    }
    // On the pages right behind the kernel, in order.
    #expect(try word(information + 20) == 2)
    let modules = try word(information + 24)
    #expect(try word(modules) == 0x10_1000 && word(modules + 4) == 0x10_1003)
    #expect(try loaded.bytes(0x10_1000, 4) == [1, 2, 3, 0])
    #expect(try loaded.text(word(modules + 8)) == "first")
    #expect(try word(modules + 16) == 0x10_2000 && word(modules + 20) == 0x10_2001)
    #expect(try loaded.text(word(modules + 24)) == "second x y")
  }

  @Test func theAddressFieldsReplaceELF() throws {
    let loaded = try Loaded(BootRequest(kernel: image(kludge())))
    #expect(
      loaded.entry == .protectedMode(
        .init(eip: 0x10_0028, eax: 0x2bad_b002, ebx: UInt32(information)), gdt: .protectedMode))
    #expect(try loaded.bytes(0x10_0028, 5) == [0xf4, 1, 2, 3, 0])
    // Zeros mean all of the file, and no BSS.
    let whole = try Loaded(BootRequest(kernel: image(kludge { $0[2] = 0; $0[3] = 0 })))
    #expect(try whole.bytes(0x10_0028, 4) == [0xf4, 1, 2, 3])
  }

  @Test func aPVHNoteGoesBeforeAMultibootHeader() throws {
    let bytes = elf(entry: 0x10_0000, [
      Segment(address: 0x10_0000, bytes: multibootHeader(flags: 0)), .pvhNote(entry: 0x10_0000),
    ])
    #expect(try BootProtocol(detecting: image(bytes)) == .pvh)
  }

  @Test func theVideoModeMayBeAskedForAndUnknownDemandsNot() throws {
    #expect(throws: Never.self) { try Loaded(BootRequest(kernel: image(kernel(flags: 0b111)))) }
    for bit in 3..<16 {
      expectRefusal(BootRequest(kernel: try image(kernel(flags: 1 << bit)))) {
        if case .unsupported = $0 { true } else { false }
      }
    }
  }

  @Test func brokenAddressesAreRefused() throws {
    func refused(_ expected: (BootError.Reason) -> Bool, _ change: (inout [UInt32]) -> Void) throws {
      expectRefusal(BootRequest(kernel: try image(kludge(change))), expected)
    }
    func isMalformed(_ reason: BootError.Reason) -> Bool { if case .malformed = reason { true } else { false } }
    try refused(isMalformed) { $0[1] = 0x10_0009 }
    try refused(isMalformed) { $0[1] = 0xf_0000 }
    try refused(isMalformed) { $0[2] = 0x10_0000 }
    try refused(isMalformed) { $0[3] = 0x10_002b }
    try refused({ if case .truncated = $0 { true } else { false } }) { $0[2] = 0x10_002d }
    try refused({ if case .outsideMemory = $0 { true } else { false } }) { $0[3] = .max }
    try refused({ $0 == .entryOutside(GuestAddress(0x10_003c)) }) { $0[4] = 0x10_003c }
    // The header ends with the file, before its address fields.
    expectRefusal(BootRequest(kernel: try image(multibootHeader(flags: 1 << 16)))) {
      if case .truncated = $0 { true } else { false }
    }
    expectRefusal(BootRequest(kernel: try image(multibootHeader(flags: 0)))) {
      if case .malformed = $0 { true } else { false }
    }
    let above4GiB = elf(entry: 1 << 32, [Segment(address: 0x10_0000, bytes: multibootHeader(flags: 0))])
    expectRefusal(BootRequest(kernel: try image(above4GiB))) { $0 == .entryOutside(GuestAddress(1 << 32)) }
  }

  @Test func theHeaderIsSearchedForInEightKibibytes() throws {
    let header = multibootHeader(flags: 0)
    for (offset, isFound) in [(0, true), (8180, true), (8184, false), (2, false)] {
      let bytes = [UInt8](repeating: 0, count: offset) + header
      if isFound {
        #expect(try BootProtocol(detecting: image(bytes)) == .multiboot)
      } else {
        #expect(throws: BootError.self) { try BootProtocol(detecting: image(bytes)) }
      }
    }
  }
}
