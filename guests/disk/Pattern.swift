import Hardware

/// What a disk is filled with: in every 64 bytes a word that tells its place on the disk and who wrote it. The rest is
/// zeros, as each word costs a guest that is emulated.
struct Pattern {
  /// Tells one writing from another.
  let seed: UInt32

  private static let step = 64

  func fill(_ buffer: UInt, sector: UInt64, bytes: Int) {
    for offset in stride(from: 0, to: bytes, by: Self.step) {
      mmio_write32(buffer + UInt(offset), seed)
      mmio_write32(buffer + UInt(offset) + 4, word(sector, offset))
    }
  }

  /// Whether a buffer holds what `fill` put there.
  func matches(_ buffer: UInt, sector: UInt64, bytes: Int) -> Bool {
    for offset in stride(from: 0, to: bytes, by: Self.step) {
      guard mmio_read32(buffer + UInt(offset)) == seed,
        mmio_read32(buffer + UInt(offset) + 4) == word(sector, offset)
      else { return false }
    }
    return true
  }

  private func word(_ sector: UInt64, _ offset: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: sector &* 8) &+ UInt32(offset / Self.step)
  }
}
