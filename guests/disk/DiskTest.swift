import Hardware

/// What can be done to a disk; whatever is wrong with it ends the guest.
struct DiskTest {
  private var disk: BlockDevice
  private let pattern: Pattern
  private static let blockBytes = 4096
  private static let sectorsPerBlock = UInt64(blockBytes / BlockDevice.sectorBytes)
  /// How many blocks are written all over the disk.
  private static let spread: UInt64 = 64

  private var blocks: UInt64 { disk.sectors / Self.sectorsPerBlock }
  private var isReadOnly: Bool { disk.offered & BlockDevice.Feature.readOnly != 0 }

  init(_ disk: BlockDevice, seed: UInt32) {
    self.disk = disk
    pattern = Pattern(seed: seed)
    expect(blocks >= Self.spread, "a disk of \(disk.sectors) sectors is too small for this test")
  }

  mutating func runAll() {
    say("sectors=\(disk.sectors)")
    sayIdentity()
    if isReadOnly {
      expect(disk.run(.read, bytes: 4096) == BlockDevice.Status.ok, "the first block cannot be read")
      expect(disk.run(.write, bytes: 512) == BlockDevice.Status.ioError, "a write to a read-only disk was not refused")
      return say("read-only: a write was refused")
    }
    transfer(.write, count: Self.spread, bytes: Self.blockBytes, depth: BlockDevice.depth, Self.spreadOut)
    flush()
    readBack()
    tryOddSizes()
    if disk.offered & BlockDevice.Feature.writeZeroes != 0 { writeZeroes() }
    tryWhatIsRefused()
    // As the first writing left them, for a later `verify`.
    transfer(.write, count: 1, bytes: Self.blockBytes, depth: 1, Self.spreadOut)
    flush()
    say("the disk passed")
  }

  /// Reads what `runAll` has written, in this run or an earlier one.
  mutating func readBack() {
    transfer(.read, count: Self.spread, bytes: Self.blockBytes, depth: BlockDevice.depth, Self.spreadOut)
    say("read back: \(Self.spread) blocks of \(Self.blockBytes) bytes")
  }

  /// Whether the disk's first block is one that `runAll` has written.
  mutating func isWritten() -> Bool {
    expect(disk.run(.read, bytes: Self.blockBytes) == BlockDevice.Status.ok, "the first block cannot be read")
    return pattern.matches(disk.buffer(0), sector: 0, bytes: Self.blockBytes)
  }

  /// Transfers one after the other from the disk's start on, and again from there at its end.
  mutating func measure(_ kind: BlockDevice.Kind, count: UInt64, bytes: Int, depth: Int) {
    let sectors = UInt64(bytes / BlockDevice.sectorBytes)
    transfer(kind, count: count, bytes: bytes, depth: depth, isChecked: false) { index, all in
      index % (all / sectors) * sectors
    }
    say("requests=\(count) bytes=\(count * UInt64(bytes))")
  }

  /// The same at one place, for more than a driver's work lets through.
  mutating func repeatRequests(_ kinds: (BlockDevice.Kind, BlockDevice.Kind), count: UInt64, bytes: Int) {
    let rounds = count / UInt64(BlockDevice.depth)
    expect(disk.repeatRequests(kinds, rounds: rounds, bytes: bytes), "a request failed")
    say("requests=\(rounds * UInt64(BlockDevice.depth)) bytes=\(rounds * UInt64(BlockDevice.depth * bytes))")
  }

  // MARK: Journal

  /// Writes blocks in a scattered order. Those that a line names are on stable storage.
  mutating func writeJournal(_ count: UInt64, depth: Int) {
    expect(count <= blocks, "the disk has \(blocks) blocks")
    var done: UInt64 = 0
    while done < count {
      let round = min(UInt64(depth), count - done)
      let first = done
      transfer(.write, count: round, bytes: Self.blockBytes, depth: depth) { Self.scatter(first + $0, $1) }
      flush()
      done += round
      say("safe=\(done)")
    }
  }

  mutating func checkJournal(_ count: UInt64) {
    transfer(.read, count: count, bytes: Self.blockBytes, depth: BlockDevice.depth, Self.scatter)
    say("journaled blocks: \(count)")
  }

  // MARK: Places: the sector of a transfer by its number, on a disk of so many sectors

  private static func spreadOut(_ index: UInt64, _ sectors: UInt64) -> UInt64 {
    index * (sectors / sectorsPerBlock / spread) * sectorsPerBlock
  }

  /// A multiplier without a common factor with the number of blocks takes each place once.
  private static func scatter(_ index: UInt64, _ sectors: UInt64) -> UInt64 {
    let blocks = sectors / sectorsPerBlock
    var step = blocks * 5 / 8 | 1
    while hasCommonFactor(step, blocks) { step += 2 }
    return index * step % blocks * sectorsPerBlock
  }

  private static func hasCommonFactor(_ one: UInt64, _ other: UInt64) -> Bool {
    var (a, b) = (one, other)
    while b != 0 { (a, b) = (b, a % b) }
    return a != 1
  }

  // MARK: Requests

  /// Writes or reads `count` pieces, `depth` of them at once, and checks what was read.
  private mutating func transfer(
    _ kind: BlockDevice.Kind, count: UInt64, bytes: Int, depth: Int, isChecked: Bool = true,
    _ place: (_ index: UInt64, _ sectors: UInt64) -> UInt64
  ) {
    var sectors = InlineArray<8, UInt64>(repeating: 0)
    var started: UInt64 = 0
    var finished: UInt64 = 0
    var freeSlot = 0
    while finished < count {
      if started < count, started - finished < UInt64(depth) {
        let slot = started < UInt64(depth) ? Int(started) : freeSlot
        sectors[slot] = place(started, disk.sectors)
        if kind == .write, isChecked { pattern.fill(disk.buffer(slot), sector: sectors[slot], bytes: bytes) }
        disk.start(kind, slot: slot, sector: sectors[slot], bytes: bytes)
        started += 1
        continue
      }
      let (slot, status) = disk.finish()
      expect(status == BlockDevice.Status.ok, "a transfer at sector \(sectors[slot]) has status \(status)")
      if kind == .read, isChecked {
        expect(
          pattern.matches(disk.buffer(slot), sector: sectors[slot], bytes: bytes),
          "at sector \(sectors[slot]) is not what was written")
      }
      freeSlot = slot
      finished += 1
    }
  }

  private mutating func flush() {
    guard disk.offered & BlockDevice.Feature.flush != 0 else { return }
    expect(disk.run(.flush) == BlockDevice.Status.ok, "a flush failed")
  }

  private mutating func sayIdentity() {
    expect(disk.run(.identify, bytes: 20) == BlockDevice.Status.ok, "the disk does not say its name")
    let bytes = PhysicalArray<UInt8>(start: PhysicalAddress(UInt64(disk.buffer(0))), count: 20)
    let name = PhysicalText(start: bytes.start, count: bytes.firstIndex(of: 0) ?? 20)
    say("serial=\(quoted: name)")
  }

  /// Pieces that begin and end within blocks.
  private mutating func tryOddSizes() {
    for (sector, bytes) in [(1, 512), (3, 1536), (9, 16384), (disk.sectors - 1, 512)] as [(UInt64, Int)] {
      transfer(.write, count: 1, bytes: bytes, depth: 1) { _, _ in sector }
      transfer(.read, count: 1, bytes: bytes, depth: 1) { _, _ in sector }
    }
  }

  private mutating func writeZeroes() {
    // One segment (5.2.6): le64 sector, le32 num_sectors, le32 flags.
    for (index, word) in [0, 0, 8, 1].enumerated() { mmio_write32(disk.buffer(0) + UInt(4 * index), UInt32(word)) }
    expect(disk.run(.writeZeroes, bytes: 16) == BlockDevice.Status.ok, "zeros cannot be written")
    expect(disk.run(.read, bytes: Self.blockBytes) == BlockDevice.Status.ok, "zeros cannot be read")
    for offset in stride(from: 0, to: Self.blockBytes, by: 64) {
      expect(mmio_read32(disk.buffer(0) + UInt(offset)) == 0, "offset \(offset) was to be zero")
    }
  }

  private mutating func tryWhatIsRefused() {
    expect(
      disk.run(.read, sector: disk.sectors, bytes: 512) == BlockDevice.Status.ioError, "the disk has no end")
    expect(disk.run(.write, sector: disk.sectors - 1, bytes: 1024) == BlockDevice.Status.ioError, "the disk has no end")
    expect(disk.run(.unknown) == BlockDevice.Status.unsupported, "the disk takes any request")
  }
}
