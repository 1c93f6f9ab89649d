import Hardware

/// The first I/O APIC (Intel 82093AA data sheet), its registers behind a select register and a window.
enum IOAPIC {
  private static let base: UInt = 0xfec0_0000

  /// Delivers global system interrupt `line`, edge-triggered and active high, to the calling processor as
  /// `vector`.
  static func route(line: Int, to vector: Int) {
    write(0x10 + UInt32(line) * 2 + 1, UInt32(LocalAPIC.id) << 24)
    write(0x10 + UInt32(line) * 2, UInt32(vector))
  }

  private static func write(_ register: UInt32, _ value: UInt32) {
    mmio_write32(base, register)
    mmio_write32(base + 0x10, value)
  }
}
