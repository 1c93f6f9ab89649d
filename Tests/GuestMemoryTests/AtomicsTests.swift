import Testing

@testable import GuestMemory

@Suite("Words in one piece")
struct AtomicsTests {
  let memory: GuestMemory
  init() throws { memory = try GuestMemory(bytes: 4096) }

  @Test func littleEndian() throws {
    try memory.storeReleasing(0x1234, at: GuestAddress(6))
    #expect(try memory.read(GuestAddress(5), count: 4) == [0, 0x34, 0x12, 0])
    #expect(try memory.loadAcquiring(GuestAddress(6)) == 0x1234)
    try memory.storeReleasing(1, at: GuestAddress(4094))
    #expect(try memory.loadAcquiring(GuestAddress(4094)) == 1)
  }

  @Test func gate() {
    #expect(throws: GuestMemoryError.misaligned(GuestAddress(7))) { try memory.loadAcquiring(GuestAddress(7)) }
    #expect(throws: GuestMemoryError.misaligned(GuestAddress(4095))) {
      try memory.storeReleasing(1, at: GuestAddress(4095))
    }
    for address in [4096, 1 << 32, UInt64.max - 1] {
      #expect(throws: GuestMemoryError.notRAM(GuestAddress(address), count: 2)) {
        try memory.loadAcquiring(GuestAddress(address))
      }
    }
  }

  @Test func contains() {
    func contains(_ start: UInt64, _ count: UInt64) -> Bool {
      GuestRange(start: GuestAddress(start), count: count).map(memory.contains) ?? false
    }
    #expect(contains(0, 4096))
    #expect(contains(4095, 1))
    #expect(!contains(4095, 2))
    #expect(!contains(4096, 1))
    #expect(!contains(.max, 1))
  }
}
