import Glibc
import Host
import Testing

@testable import GuestMemory

@Suite("Guest memory and the kernel")
struct KernelTests {
  /// How many of the first region's pages the host keeps in memory now.
  private func residentPages(_ memory: GuestMemory) -> Int {
    let count = Int(memory.bytes) / 4096
    var flags = [UInt8](repeating: 0, count: count)
    // SAFETY: the first region is as long as the call is told, and is not touched by it.
    unsafe mincore(UnsafeMutableRawPointer(bitPattern: memory.regions[0].hostAddress), Int(memory.bytes), &flags)
    return flags.count { $0 & 1 != 0 }
  }

  @Test(arguments: [MemoryBacking.anonymous, .memfd]) func discardGivesPagesBack(backing: MemoryBacking) throws {
    let memory = try GuestMemory(bytes: 64 * 4096, backing: backing)
    for page in 0..<64 as Range<UInt64> { try memory.store(page + 1, at: GuestAddress(4096 * page)) }
    #expect(residentPages(memory) == 64)
    try memory.discard(GuestRange(start: GuestAddress(8 * 4096), count: 16 * 4096)!)
    #expect(residentPages(memory) == 48)
    #expect(try memory.load(GuestAddress(7 * 4096), as: UInt64.self) == 8)
    #expect(try memory.load(GuestAddress(8 * 4096), as: UInt64.self) == 0)
    #expect(try memory.load(GuestAddress(24 * 4096), as: UInt64.self) == 25)
    try memory.store(5 as UInt64, at: GuestAddress(8 * 4096))
    #expect(try memory.load(GuestAddress(8 * 4096), as: UInt64.self) == 5)
  }

  @Test(
    "Host and guest addresses agree modulo the size of a huge page", arguments: [2 << 20, (2 << 20) + 4096, 5 << 30])
  func liesForHugePages(bytes: UInt64) throws {
    for region in try GuestMemory(bytes: bytes).regions where region.range.count > 2 << 20 {
      #expect((UInt64(region.hostAddress) ^ region.range.start.rawValue) % (2 << 20) == 0)
    }
  }

  @Test func discardStaysInside() throws {
    let memory = try GuestMemory(bytes: 4 * 4096)
    for (start, count) in [(1, 4096), (0, 4095)] as [(UInt64, UInt64)] {
      #expect(throws: GuestMemoryError.misaligned(GuestAddress(start))) {
        try memory.discard(GuestRange(start: GuestAddress(start), count: count)!)
      }
    }
    for (start, count) in [(0, 5 * 4096), (4 * 4096, 4096), (1 << 32, 4096)] as [(UInt64, UInt64)] {
      #expect(throws: GuestMemoryError.notRAM(GuestAddress(start), count: Int(count))) {
        try memory.discard(GuestRange(start: GuestAddress(start), count: count)!)
      }
    }
  }

  @Test func vectorsAreFilledByTheKernel() throws {
    let memory = try GuestMemory(bytes: 4 * 4096)
    let pipe = try Pipe()
    try pipe.writing.writeAll("abcdef")
    var vectors = GuestVectors(in: memory)
    try vectors.append(GuestRange(start: GuestAddress(4094), count: 2)!)
    try vectors.append(GuestRange(start: GuestAddress(4 * 4096 - 3), count: 3)!)
    #expect(vectors.count == 2)
    #expect(vectors.byteCount == 5)
    #expect(throws: GuestMemoryError.notRAM(GuestAddress(4 * 4096 - 3), count: 4)) {
      try vectors.append(GuestRange(start: GuestAddress(4 * 4096 - 3), count: 4)!)
    }
    // SAFETY: the list is for readv.
    #expect(unsafe vectors.withVectors { unsafe readv(pipe.reading.number, $0.baseAddress, Int32($0.count)) } == 5)
    #expect(try memory.read(GuestAddress(4093), count: 4) == [0] + Array("ab".utf8) + [0])
    #expect(try memory.read(GuestAddress(4 * 4096 - 3), count: 3) == Array("cde".utf8))
    vectors.removeAll()
    #expect(vectors.count == 0)
    #expect(vectors.byteCount == 0)
  }
}
