import Host
import Testing

@testable import GuestMemory

private let page: UInt64 = 4096
private let hole = GuestMemory.holeStart.rawValue
private let high = GuestMemory.holeEnd.rawValue

@Suite("Guest memory")
struct GuestMemoryTests {
  @Test(arguments: [
    (page, [(0, page)]), (hole - page, [(0, hole - page)]), (hole, [(0, hole)]),
    (hole + page, [(0, hole), (high, page)]),
    (64 << 30, [(0, hole), (high, 64 << 30 - hole)]),
  ] as [(UInt64, [(UInt64, UInt64)])])
  func liesAroundTheHole(bytes: UInt64, expected: [(UInt64, UInt64)]) throws {
    let memory = try GuestMemory(bytes: bytes)
    #expect(memory.bytes == bytes)
    #expect(memory.regions.map(\.range.start.rawValue) == expected.map(\.0))
    #expect(memory.regions.map(\.range.count) == expected.map(\.1))
  }

  /// Every start and length around both ends of both regions, against the plain question whether all bytes are RAM.
  @Test(arguments: [page, hole - page, hole, hole + page, hole + 3 * page]) func gate(bytes: UInt64) throws {
    let memory = try GuestMemory(bytes: bytes)
    let ranges = memory.regions.map(\.range)
    func isRAM(_ address: UInt64) -> Bool {
      ranges.contains { address >= $0.start.rawValue && address - $0.start.rawValue < $0.count }
    }
    let ends = [0, min(bytes, hole), hole, high, high + (bytes - min(bytes, hole)), UInt64.max]
    for end in ends {
      for distance in Int64(-9)...9 {
        let (start, overflow) = UInt64(distance.magnitude).distance(from: end, negative: distance < 0)
        if overflow { continue }
        for count in 1...9 {
          var expected = true
          for index in 0..<UInt64(count) {
            let (address, wraps) = start.addingReportingOverflow(index)
            if wraps || !isRAM(address) { expected = false }
          }
          #expect(passes(memory, start, count) == expected, "\(count) bytes at \(GuestAddress(start))")
        }
      }
    }
  }

  private func passes(_ memory: GuestMemory, _ address: UInt64, _ count: Int) -> Bool {
    do {
      try memory.zero(GuestAddress(address), count: count)
      return true
    } catch {
      return false
    }
  }

  @Test func absurdLengths() throws {
    let memory = try GuestMemory(bytes: hole + page)
    for address in [0, 1, hole, high, UInt64.max] {
      for count in [Int.max, Int.max - 1, Int(hole) + 1, -1, Int.min] {
        #expect(!passes(memory, address, count))
      }
    }
    // All of each region, and not a byte more.
    #expect(isHeld(memory, 0, hole))
    #expect(!isHeld(memory, 0, hole + 1))
    #expect(isHeld(memory, high, page))
    #expect(!isHeld(memory, high, page + 1))
  }

  /// What the gate says, without touching gigabytes.
  private func isHeld(_ memory: GuestMemory, _ address: UInt64, _ count: UInt64) -> Bool {
    // SAFETY: the pointer is dropped unused.
    unsafe (try? memory.host(GuestAddress(address), count: Int(count))) != nil
  }

  @Test func nothingMayBeCopiedAnywhereInside() throws {
    let memory = try GuestMemory(bytes: page)
    for address in [0, page - 1, page] {
      #expect(try memory.read(GuestAddress(address), count: 0) == [])
      try memory.write([], at: GuestAddress(address))
    }
    #expect(throws: GuestMemoryError.notRAM(GuestAddress(page + 1), count: 0)) {
      try memory.write([], at: GuestAddress(page + 1))
    }
  }

  @Test(arguments: [MemoryBacking.anonymous, .memfd]) func keepsBytes(backing: MemoryBacking) throws {
    let memory = try GuestMemory(bytes: hole + 2 * page, backing: backing)
    let bytes = Array(UInt8(1)...100)
    for address in [0, 0xfff, hole - 100, high, high + 2 * page - 100] {
      #expect(try memory.read(GuestAddress(address), count: 100) == Array(repeating: 0, count: 100))
      try memory.write(bytes, at: GuestAddress(address))
      #expect(try memory.read(GuestAddress(address), count: 100) == bytes)
      try memory.zero(GuestAddress(address + 1), count: 98)
      #expect(try memory.read(GuestAddress(address), count: 100) == [1] + Array(repeating: 0, count: 98) + [100])
    }
  }

  @Test func integersAreLittleEndianAtAnyAlignment() throws {
    let memory = try GuestMemory(bytes: page)
    for offset in UInt64(0)..<8 {
      try memory.store(UInt32(0x1234_5678), at: GuestAddress(offset))
      #expect(try memory.read(GuestAddress(offset), count: 4) == [0x78, 0x56, 0x34, 0x12])
      #expect(try memory.load(GuestAddress(offset)) as UInt32 == 0x1234_5678)
      #expect(try memory.load(GuestAddress(offset + 1)) as UInt16 == 0x3456)
    }
    try memory.store(UInt64.max, at: GuestAddress(page - 8))
    #expect(throws: GuestMemoryError.notRAM(GuestAddress(page - 7), count: 8)) {
      try memory.store(UInt64(0), at: GuestAddress(page - 7))
    }
    #expect(try memory.load(GuestAddress(page - 8)) as UInt64 == .max, "nothing of it was written")
  }

  @Test func textIsTerminated() throws {
    let memory = try GuestMemory(bytes: page)
    try memory.write([9, 9, 9, 9, 9], at: GuestAddress(0))
    try memory.write(terminated: "né", at: GuestAddress(0))
    #expect(try memory.read(GuestAddress(0), count: 5) == [0x6e, 0xc3, 0xa9, 0, 9])
  }

  @Test func loadsFiles() throws {
    let file = try Descriptor.memory(named: "test")
    try file.writeAll("0123456789")
    let memory = try GuestMemory(bytes: page)
    try memory.load(10, from: file, at: 0, to: GuestAddress(page - 10))
    #expect(try memory.read(GuestAddress(page - 10), count: 10) == Array("0123456789".utf8))
    try memory.load(3, from: file, at: 4, to: GuestAddress(5))
    #expect(try memory.read(GuestAddress(4), count: 5) == [0] + Array("456".utf8) + [0])
    try memory.load(0, from: file, at: 100, to: GuestAddress(0))

    #expect(throws: GuestMemoryError.fileEnded(missing: 2)) {
      try memory.load(4, from: file, at: 8, to: GuestAddress(0))
    }
    #expect(try memory.read(GuestAddress(0), count: 3) == Array("89".utf8) + [0])
    #expect(throws: GuestMemoryError.fileEnded(missing: 4)) {
      try memory.load(4, from: file, at: 10, to: GuestAddress(0))
    }
    #expect(throws: GuestMemoryError.notRAM(GuestAddress(page - 1), count: 2)) {
      try memory.load(2, from: file, at: 0, to: GuestAddress(page - 1))
    }
  }

  @Test func hostErrorsAreNamed() throws {
    let memory = try GuestMemory(bytes: page)
    let directory = try Descriptor.open("/", .readOnly)
    #expect(throws: GuestMemoryError.host(SystemCallError("pread", .isDirectory))) {
      try memory.load(1, from: directory, at: 0, to: GuestAddress(0))
    }
    #expect(
      GuestMemoryError.notRAM(GuestAddress(0xc000_0000), count: 4).description
      == "4 bytes at 0xc0000000 are not all guest memory")
  }

  @Test func sizesThatCannotBeAreRefused() {
    #expect(throws: SystemCallError.self) { try GuestMemory(bytes: 0) }
    #expect(throws: SystemCallError.self) { try GuestMemory(bytes: .max & ~(page - 1)) }
  }

  @Test("Numbers that depend on an address change by the same, whatever their width and alignment")
  func shifts() throws {
    let memory = try GuestMemory(bytes: 8192)
    let range = try #require(GuestRange(start: GuestAddress(0x100), count: 0x20))
    try memory.store(UInt64.max, at: GuestAddress(0x101))
    try memory.store(UInt32(5), at: GuestAddress(0x11c))
    try memory.shift(.longs(0x10_0000_0002), at: ([1] as [UInt32]).span, in: range)
    try memory.shift(.words(0 &- 6), at: ([0x1c] as [UInt32]).span, in: range)
    #expect(try memory.load(GuestAddress(0x101)) == UInt64(0x10_0000_0001))
    #expect(try memory.load(GuestAddress(0x11c)) == UInt32.max)
    #expect(try memory.load(GuestAddress(0x120)) == UInt64(0))
    for (shift, offset) in [(GuestMemory.Shift.words(1), UInt32(0x1d)), (.longs(1), 0x19), (.longs(1), .max)] {
      #expect(throws: GuestMemoryError.notRAM(GuestAddress(0x100 + UInt64(offset)), count: offset == 0x1d ? 4 : 8)) {
        try memory.shift(shift, at: ([0, offset] as [UInt32]).span, in: range)
      }
    }
    // What came before the one that was refused.
    #expect(try memory.load(GuestAddress(0x100)) as UInt8 == 3)
    let hole = try #require(GuestRange(start: GuestAddress(8000), count: 1000))
    #expect(throws: GuestMemoryError.notRAM(GuestAddress(8000), count: 1000)) {
      try memory.shift(.words(1), at: ([0] as [UInt32]).span, in: hole)
    }
  }
}

extension UInt64 {
  /// `end` with this number added or taken away, and whether that leaves the 64 bits.
  fileprivate func distance(from end: UInt64, negative: Bool) -> (UInt64, Bool) {
    let (value, overflow) = negative ? end.subtractingReportingOverflow(self) : end.addingReportingOverflow(self)
    return (value, overflow)
  }
}
