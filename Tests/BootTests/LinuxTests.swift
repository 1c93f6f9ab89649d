import Boot
import GuestMemory
import MadeUpImages
import Testing

@Suite struct LinuxTests {
  private func request(_ bytes: [UInt8]) throws -> BootRequest { BootRequest(kernel: try image(bytes)) }
  private let zeroPage = BootLayout.zeroPage.start.rawValue

  @Test func aBzImageStartsAtItsPreferredAddressIn64BitMode() throws {
    let loaded = try Loaded(request(bzImage()))
    #expect(
      loaded.entry == .longMode(
        rip: 0x100_0200, rsi: zeroPage, cr3: BootLayout.pageTables.start.rawValue, gdt: .longMode))
    #expect(try loaded.bytes(0x100_0000, 4096) == (0..<4096).map { UInt8(truncatingIfNeeded: $0) })
    #expect(try loaded.integer(zeroPage + 0x202) as UInt32 == 0x5372_6448)
    #expect(try loaded.integer(zeroPage + 0x210) as UInt8 == 0xff)
    #expect(try loaded.integer(zeroPage + 0x214) as UInt32 == 0x100_0000)
    let commandLine: UInt32 = try loaded.integer(zeroPage + 0x228)
    #expect(try loaded.text(UInt64(commandLine)) == "console=ttyS0 panic=-1")
    let rsdp: UInt64 = try loaded.integer(zeroPage + 0x70)
    #expect(try loaded.text(rsdp).hasPrefix("RSD PTR "))
    #expect(try loaded.integer(SegmentTable.longMode.base.rawValue + 0x10) as UInt64 == 0x00af_9b00_0000_ffff)
  }

  @Test func theDefaultCommandLineIsForTheConsoleThereIs() throws {
    var request = try request(bzImage())
    request.console = .virtio
    let loaded = try Loaded(request)
    let commandLine: UInt32 = try loaded.integer(zeroPage + 0x228)
    #expect(try loaded.text(UInt64(commandLine)) == "earlycon=uart8250,io,0x3f8 console=hvc0 panic=-1")
  }

  @Test func thePageTablesMapFourGibibytesToThemselves() throws {
    let loaded = try Loaded(request(bzImage()))
    let top: UInt64 = try loaded.integer(BootLayout.pageTables.start.rawValue)
    for address: UInt64 in [0, 0x100_0200, 0x3fff_ffff, 0x4000_0000, 0xffff_f000] {
      let pointer: UInt64 = try loaded.integer(top & ~0xfff + (address >> 30) * 8)
      let entry: UInt64 = try loaded.integer(pointer & ~0xfff + (address >> 21 & 511) * 8)
      #expect(pointer & 1 == 1 && entry & 0x81 == 0x81)
      #expect(entry & ~0x1f_ffff == address & ~0x1f_ffff)
    }
  }

  @Test func theZeroPageHasTheMemoryMap() throws {
    let loaded = try Loaded(request(bzImage()), memory: 4 << 30)
    let map = MemoryMap(of: loaded.memory)
    #expect(try loaded.integer(zeroPage + 0x1e8) as UInt8 == UInt8(map.entries.count))
    for (index, entry) in map.entries.enumerated() {
      let base = zeroPage + 0x2d0 + UInt64(index) * 20
      #expect(try loaded.integer(base) as UInt64 == entry.range.start.rawValue)
      #expect(try loaded.integer(base + 8) as UInt64 == entry.range.count)
      #expect(try loaded.integer(base + 16) as UInt32 == entry.kind.rawValue)
    }
  }

  @Test func everyBootGetsItsOwnRandomSeed() throws {
    let seeds = try (0..<2).map { _ in
      let loaded = try Loaded(request(bzImage()))
      let node: UInt64 = try loaded.integer(zeroPage + 0x250)
      #expect(try loaded.integer(node) as UInt64 == 0)
      #expect(try loaded.integer(node + 8) as UInt32 == 9)
      #expect(try loaded.integer(node + 12) as UInt32 == 32)
      return try loaded.bytes(node + 16, 32)
    }
    #expect(seeds[0] != seeds[1])
  }

  @Test func theInitrdLiesAsHighAsItMay() throws {
    let contents = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var request = try request(bzImage())
    request.initrd = try image(contents)
    for (memory, end) in [(UInt64(64 << 20), UInt64(64 << 20)), (4 << 30, 0x8000_0000)] {
      let loaded = try Loaded(request, memory: memory)
      let start: UInt32 = try loaded.integer(zeroPage + 0x218)
      #expect(try loaded.integer(zeroPage + 0x21c) as UInt32 == 5000)
      #expect(start % 4096 == 0 && UInt64(start) + 5000 <= end && UInt64(start) + 8192 >= end)
      #expect(try loaded.bytes(UInt64(start), 5000) == contents)
    }
  }

  @Test func anOlderOr32BitKernelStartsInProtectedMode() throws {
    for version: UInt16 in [0x0202, 0x0204, 0x0209, 0x020b] {
      let loaded = try Loaded(request(bzImage(version: version)))
      // Before protocol 2.10 there is no preferred address, and before 2.05 no relocation at all.
      let start: UInt32 = version >= 0x020a ? 0x100_0000 : version >= 0x0205 ? 0x20_0000 : 0x10_0000
      #expect(loaded.entry == .protectedMode(.init(eip: start, esi: UInt32(zeroPage)), gdt: .protectedMode))
      let setupData = version >= 0x0209 ? BootLayout.setupData.start.rawValue : 0
      #expect(try loaded.integer(zeroPage + 0x250) as UInt64 == setupData)
    }
    let loaded = try Loaded(request(bzImage { $0.put(UInt16(0), at: 0x236) }))
    #expect(loaded.entry == .protectedMode(.init(eip: 0x100_0000, esi: UInt32(zeroPage)), gdt: .protectedMode))
  }

  @Test func aKernelThatIsNotRelocatableStartsAtOneMebibyte() throws {
    // As memtest86+ has it: a size that is rounded up to a paragraph behind the file's end.
    let bytes = bzImage {
      $0[0x234] = 0
      $0.put(UInt64(0x10_0000), at: 0x258)
      $0.removeLast(8)
    }
    guard case .longMode(let rip, _, _, _) = try Loaded(request(bytes)).entry else { throw NoKernel() }
    #expect(rip == 0x10_0200)
  }

  @Test func zeroSectorsOfSetupMeanFour() throws {
    let setup = [UInt8](repeating: 0, count: 3 * 512)
    let bytes = bzImage {
      $0[0x1f1] = 0
      $0.insert(contentsOf: setup, at: 1024)
    }
    #expect(try Loaded(request(bytes)).bytes(0x100_0000, 4) == [0, 1, 2, 3])
  }

  @Test func whatFollowsTheKernelInTheFileIsNotLoaded() throws {
    let loaded = try Loaded(request(bzImage { $0 += [0xaa, 0xbb] }))
    #expect(try loaded.integer(0x100_1000) as UInt16 == 0)
  }

  @Test func anELFKernelWithLinuxBannerIsLinux() throws {
    // Placed over the border of the pieces in which the file is searched.
    var bytes = [UInt8](repeating: 0x90, count: 1 << 20)
    bytes.replaceSubrange((1 << 20) - 5..<(1 << 20), with: Array("Linux".utf8))
    bytes += Array(" version 6.1".utf8)
    let loaded = try Loaded(request(elf(entry: 0x100_0010, [Segment(address: 0x100_0000, bytes: bytes)])))
    #expect(
      loaded.entry == .longMode(
        rip: 0x100_0010, rsi: zeroPage, cr3: BootLayout.pageTables.start.rawValue, gdt: .longMode))
    #expect(try loaded.integer(zeroPage + 0x1fe) as UInt16 == 0xaa55)
  }

  @Test func brokenHeadersAreRefused() throws {
    func malformed(_ field: String, _ change: (inout [UInt8]) -> Void) throws {
      expectRefusal(try request(bzImage(change))) {
        if case .malformed(let text) = $0 { text.contains(field) } else { false }
      }
    }
    try malformed("setup_sects") { $0[0x1f1] = 200 }
    try malformed("kernel_alignment") { $0.put(UInt32(0), at: 0x230) }
    try malformed("kernel_alignment") { $0.put(UInt32(0x30_0000), at: 0x230) }
    try malformed("pref_address") { $0.put(UInt64.max, at: 0x258) }
    try malformed("64-bit entry") { $0.put(UInt32(0x10), at: 0x1f4) }

    func refused(_ expected: (BootError.Reason) -> Bool, _ change: (inout [UInt8]) -> Void) throws {
      expectRefusal(try request(bzImage(change)), expected)
    }
    func isOutside(_ reason: BootError.Reason) -> Bool { if case .outsideMemory = reason { true } else { false } }
    func isTruncated(_ reason: BootError.Reason) -> Bool { if case .truncated = reason { true } else { false } }
    func isUnsupported(_ reason: BootError.Reason) -> Bool { if case .unsupported = reason { true } else { false } }
    try refused(isOutside) { $0.put(UInt64(1) << 40, at: 0x258) }
    try refused(isOutside) { $0.put(UInt32.max, at: 0x260) }
    try refused(isOutside) {
      $0[0x234] = 0
      $0.put(UInt64.max - 1, at: 0x258)
    }
    try refused(isTruncated) { $0.removeLast(100) }
    try refused(isTruncated) { $0.put(UInt32.max, at: 0x1f4) }
    try refused(isTruncated) { $0.removeSubrange(0x240...) }
    try refused(isUnsupported) { $0.put(UInt16(0x0201), at: 0x206) }
    try refused(isUnsupported) { $0[0x211] = 0 }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    var request = try request(bzImage())
    request.commandLine = String(repeating: "x", count: 100)
    #expect(throws: Never.self) { try Loaded(request) }
    request.commandLine = String(repeating: "x", count: 101)
    expectRefusal(request) { $0 == .commandLineTooLong(count: 101, limit: 100) }
    request.commandLine = nil
    request.initrd = try image([UInt8](repeating: 1, count: 64 << 20))
    expectRefusal(request) { if case .noRoom = $0 { true } else { false } }
    // It would fit below the kernel's memory, but not below a limit of 1 MiB.
    request.initrd = try image([1])
    request.kernel = try image(bzImage { $0.put(UInt32(0xf_ffff), at: 0x22c) })
    expectRefusal(request) { if case .noRoom = $0 { true } else { false } }
    request.initrd = nil
    request.modules = [.init(file: request.kernel)]
    expectRefusal(request) { $0 == .unused(by: .linux) }
  }

  struct NoKernel: Error {}
}
