import Boot
import GuestMemory
import MadeUpImages
import Testing

@Suite struct ELFTests {
  private let information = BootLayout.bootInfo.start.rawValue

  @Test func aPVHKernelGetsItsStartInfo() throws {
    var request = BootRequest(kernel: try image(pvhKernel()))
    request.commandLine = "one two"
    request.initrd = try image([1, 2, 3])
    request.modules = [.init(file: try image([4, 5]), string: "second")]
    let loaded = try Loaded(request)
    #expect(loaded.entry == .protectedMode(.init(eip: 0x10_0004, ebx: UInt32(information)), gdt: .protectedMode))
    #expect(try loaded.bytes(0x10_0000, 18) == Array(1...16) + [0, 0])

    #expect(try loaded.integer(information) as UInt32 == 0x336e_c578)
    #expect(try loaded.integer(information + 4) as UInt32 == 1)
    #expect(try loaded.text(loaded.integer(information + 24)) == "one two")
    #expect(try loaded.text(loaded.integer(information + 32)).hasPrefix("RSD PTR "))
    let map = MemoryMap(of: loaded.memory)
    #expect(try loaded.integer(information + 48) as UInt32 == UInt32(map.entries.count))
    for (index, entry) in map.entries.enumerated() {
      let base: UInt64 = try loaded.integer(information + 40) + UInt64(index) * 24
      #expect(try loaded.integer(base) as UInt64 == entry.range.start.rawValue)
      #expect(try loaded.integer(base + 8) as UInt64 == entry.range.count)
      #expect(try loaded.integer(base + 16) as UInt32 == entry.kind.rawValue)
    }
    #expect(try loaded.integer(information + 12) as UInt32 == 2)
    let modules: UInt64 = try loaded.integer(information + 16)
    #expect(try loaded.bytes(loaded.integer(modules), 3) == [1, 2, 3])
    #expect(try loaded.integer(modules + 8) as UInt64 == 3)
    #expect(try loaded.integer(modules + 16) as UInt64 == 0)
    #expect(try loaded.bytes(loaded.integer(modules + 32), 2) == [4, 5])
    #expect(try loaded.text(loaded.integer(modules + 48)) == "second")
  }

  @Test func a32BitELFMayBePVHToo() throws {
    let bytes = elf(is64Bit: false, entry: 0, [Segment(address: 0x10_0000, bytes: [0xf4]), .pvhNote(entry: 0x10_0000)])
    let loaded = try Loaded(BootRequest(kernel: image(bytes)))
    #expect(loaded.entry == .protectedMode(.init(eip: 0x10_0000, ebx: UInt32(information)), gdt: .protectedMode))
  }

  @Test(arguments: [
    // Wraps around the end of the address space.
    Segment(address: .max - 0xfff, bytes: [1], memorySize: 0x2000),
    // Ends one byte behind RAM, starts in the hole, is larger than anything.
    Segment(address: (64 << 20) - 0xfff, bytes: [1], memorySize: 0x1000),
    Segment(address: 0xc000_0000, bytes: [1]),
    Segment(address: 0x20_0000, bytes: [1], memorySize: .max),
  ])
  func segmentsOutsideMemoryAreRefused(segment: Segment) throws {
    let bytes = elf(entry: 0x10_0000, [Segment(address: 0x10_0000, bytes: [0xf4]), segment, .pvhNote(entry: 0x10_0000)])
    expectRefusal(BootRequest(kernel: try image(bytes))) { if case .outsideMemory = $0 { true } else { false } }
  }

  /// The first and last byte of each area, and the last of the other segment.
  private static let takenAddresses: [UInt64] =
    BootLayout.all.map(\.start.rawValue) + BootLayout.all.map { $0.range.end.rawValue - 1 } + [0x10_0fff]

  @Test(arguments: takenAddresses)
  func segmentsMustNotMeetAnything(address: UInt64) throws {
    let bytes = elf(entry: 0x10_0000, [
      Segment(address: 0x10_0000, bytes: [0xf4], memorySize: 0x1000), Segment(address: address, bytes: [1]),
      .pvhNote(entry: 0x10_0000),
    ])
    expectRefusal(BootRequest(kernel: try image(bytes))) { if case .overlap = $0 { true } else { false } }
  }

  @Test func brokenHeadersAreRefused() throws {
    func refused(_ change: (inout [UInt8]) -> Void, _ expected: (BootError.Reason) -> Bool) throws {
      var request = BootRequest(kernel: try image(pvhKernelWith(change)))
      request.bootProtocol = .pvh
      expectRefusal(request, expected)
    }
    func isTruncated(_ reason: BootError.Reason) -> Bool { if case .truncated = reason { true } else { false } }
    func isMalformed(_ reason: BootError.Reason) -> Bool { if case .malformed = reason { true } else { false } }
    func isUnsupported(_ reason: BootError.Reason) -> Bool { if case .unsupported = reason { true } else { false } }
    try refused({ $0.removeSubrange(10...) }, isTruncated)
    try refused({ $0.removeSubrange(40...) }, isTruncated)
    try refused({ $0.removeSubrange(100...) }, isTruncated)
    try refused({ $0.removeLast() }, isTruncated)
    try refused({ $0.put(UInt64.max, at: 32) }, isTruncated)
    try refused({ $0.put(UInt64.max, at: 64 + 8) }, isTruncated)
    try refused({ $0[4] = 3 }, isMalformed)
    try refused({ $0.put(UInt16(55), at: 54) }, isMalformed)
    try refused({ $0.put(UInt64(17), at: 64 + 32); $0.put(UInt64(16), at: 64 + 40) }, isMalformed)
    try refused({ $0[5] = 2 }, isUnsupported)
    try refused({ $0.put(UInt16(183), at: 18) }, isUnsupported)
    try refused({ $0.put(UInt16(1), at: 16) }, isUnsupported)
    // The entry in the note is behind what the file fills, in the BSS.
    try refused({ $0.put(UInt32(0x10_0010), at: $0.count - 4) }, { $0 == .entryOutside(GuestAddress(0x10_0010)) })
    // Another note's owner.
    try refused({ $0[$0.count - 8] = UInt8(ascii: "Y") }, { if case .not(.pvh, _) = $0 { true } else { false } })
  }

  @Test("A hostile file costs no more than a moment")
  func hostileSizesAreRefused() throws {
    let many = (0..<300).map { Segment(address: 0x10_0000 + UInt64($0), bytes: [0xf4]) }
    expectRefusal(BootRequest(kernel: try image(elf(entry: 0x10_0000, many + [.pvhNote(entry: 0x10_0000)])))) {
      if case .unsupported(let what) = $0 { what.contains("301 program headers") } else { false }
    }
    // Notes are looked at up to a mebibyte in all.
    let notes = Segment(address: 0, bytes: [UInt8](repeating: 0, count: 600 << 10), type: 4)
    let kernel = Segment(address: 0x10_0000, bytes: [0xf4])
    func detected(_ segments: [Segment]) throws -> BootProtocol {
      try BootProtocol(detecting: image(elf(entry: 0x10_0000, segments)))
    }
    #expect(try detected([kernel, notes, .pvhNote(entry: 0x10_0000)]) == .pvh)
    #expect(throws: BootError.self) { try detected([kernel, notes, notesWithEntry(after: 600 << 10)]) }
  }

  private func notesWithEntry(after count: Int) -> Segment {
    var segment = Segment.pvhNote(entry: 0x10_0000)
    segment.bytes = segment.bytes + [UInt8](repeating: 0, count: count)
    return segment
  }

  private func pvhKernelWith(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes = pvhKernel()
    change(&bytes)
    return bytes
  }

  @Test func whatDoesNotFitIsRefused() throws {
    var request = BootRequest(kernel: try image(pvhKernel()))
    request.initrd = try image([UInt8](repeating: 0, count: 2 << 20))
    expectRefusal(request, memory: 2 << 20) {
      if case .noRoom("the initrd", _, _) = $0 { true } else { false }
    }
    request.initrd = nil
    request.commandLine = String(repeating: "x", count: 0x1_0000)
    expectRefusal(request) { $0 == .commandLineTooLong(count: 0x1_0000, limit: 0xffff) }
    request.commandLine = String(repeating: "x", count: 0xffff)
    #expect(throws: Never.self) { try Loaded(request) }
    // No byte is left for a module's string.
    request.modules = [.init(file: request.kernel, string: "x")]
    expectRefusal(request) { $0 == .commandLineTooLong(count: 1, limit: 0) }
    request.commandLine = nil
    request.modules = Array(repeating: .init(file: request.kernel), count: 121)
    expectRefusal(request) { $0 == .tooManyModules(count: 121, limit: 120) }
    expectRefusal(BootRequest(kernel: request.kernel), memory: 0x8_0000) {
      $0 == .memoryTooSmall(bytes: 0x8_0000, minimum: 0x10_0000)
    }
  }
}
