import Hardware

/// Writes to so many pages of 4 KiB as `pages=N` says, says so, and idles on: only a person or a time limit ends it.
/// With `slowly` it makes a pause of a tenth of a second after every 256 pages.
@main enum Touch: Guest {
  /// Behind the guest's image, whatever its size.
  private static let first: UInt64 = 16 << 20
  private static let pageBytes: UInt64 = 4096

  static func run(_ start: StartInfo) {
    let pages = start.options.number("pages") ?? 256
    let end = first + pages * pageBytes
    let isRAM = start.memoryMap.contains { $0.kind == 1 && $0.address <= first && end <= $0.address + $0.size }
    expect(isRAM, "pages= goes beyond the memory that there is")
    Interrupts.configure()
    let isSlow = start.options.contains("slowly")
    if isSlow { IntervalTimer.start(hertz: 100) }
    for page in 0..<pages {
      mmio_write32(UInt(first + page * pageBytes), UInt32(truncatingIfNeeded: page))
      if isSlow, page % 256 == 255 { IntervalTimer.sleep(ticks: 10) }
    }
    if isSlow { IntervalTimer.stop() }
    say("touched=\(pages)")
    Interrupts.wait { false }
  }
}
