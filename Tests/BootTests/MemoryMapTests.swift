import Boot
import GuestMemory
import Testing

@Suite struct MemoryMapTests {
  private static let sizes: [UInt64] = [
    1 << 20, (1 << 20) + 4096, 2 << 20, 128 << 20, 3 << 30, (3 << 30) + 4096, 4 << 30, 64 << 30,
  ]

  @Test(arguments: sizes)
  func theMapCoversExactlyTheRAM(bytes: UInt64) throws {
    let memory = try GuestMemory(bytes: bytes)
    let entries = MemoryMap(of: memory).entries
    for (entry, next) in zip(entries, entries.dropFirst()) { #expect(entry.range.end <= next.range.start) }
    for entry in entries {
      #expect(entry.range.count > 0)
      #expect(memory.regions.contains { $0.range.contains(entry.range) })
    }
    #expect(entries.reduce(0) { $0 + $1.range.count } + BootLayout.legacyHole.count == bytes)
    #expect(!entries.contains { $0.range.overlaps(BootLayout.legacyHole) })
  }

  @Test func whatKernelsNeedLaterIsReserved() throws {
    let entries = MemoryMap(of: try GuestMemory(bytes: 1 << 30)).entries
    for area in [BootLayout.ebda, BootLayout.acpi, BootLayout.mpTable] {
      #expect(entries.contains { $0.kind == .reserved && $0.range.contains(area.range) })
    }
  }
}
