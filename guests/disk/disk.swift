import Hardware

/// Uses a disk as a driver does, and checks what it reads. Without options: writes blocks all over the disk, flushes,
/// reads them back, and tries what has to be refused; a read-only disk is only read and refuses to be written.
///
/// | option | |
/// |---|---|
/// | `disk=N` | the disk, counted from 0 |
/// | `seed=N` | what is written, and what `verify` expects |
/// | `verify` | only reads what an earlier run wrote |
/// | `twice` | all of it, then a reset, then `verify` |
/// | `same` | with `count=`: all at the disk's start, eight at once, up to 1 MiB each; with `mixed` every other reads |
/// | `count=N`, `bytes=N`, `depth=N`, `read` | measured: requests, bytes of each, how many at once; else writes |
/// | `journal=N` | writes N blocks in a scattered order, flushes after every `depth`, then says how many are safe |
/// | `journaled=N` | checks that the first N blocks of a journal are there |
@main enum DiskGuest: Guest {
  static func run(_ start: StartInfo) {
    let options = start.options
    var test = DiskTest(
      BlockDevice(number: Int(options.number("disk") ?? 0)), seed: UInt32(options.number("seed") ?? 1))
    let depth = Int(options.number("depth") ?? UInt64(BlockDevice.depth))
    expect(depth >= 1 && depth <= BlockDevice.depth, "depth= is 1 to \(BlockDevice.depth)")
    if let count = options.number("count"), options.contains("same") {
      let bytes = Int(options.number("bytes") ?? 4096)
      let isRight = bytes > 0 && bytes % 512 == 0 && bytes <= BlockDevice.mostRepeatedBytes
      expect(isRight, "bytes= is a multiple of 512, at most \(BlockDevice.mostRepeatedBytes)")
      let kind: BlockDevice.Kind = options.contains("read") ? .read : .write
      test.repeatRequests((kind, options.contains("mixed") ? .read : kind), count: count, bytes: bytes)
    } else if let count = options.number("count") {
      let bytes = Int(options.number("bytes") ?? 4096)
      let isRight = bytes > 0 && bytes % 512 == 0 && bytes <= BlockDevice.mostBytes
      expect(isRight, "bytes= is a multiple of 512, at most \(BlockDevice.mostBytes)")
      test.measure(options.contains("read") ? .read : .write, count: count, bytes: bytes, depth: depth)
    } else if let count = options.number("journal") {
      test.writeJournal(count, depth: depth)
    } else if let count = options.number("journaled") {
      test.checkJournal(count)
    } else if options.contains("verify") {
      test.readBack()
    } else if options.contains("twice") {
      if test.isWritten() { return test.readBack() }
      test.runAll()
      Machine.resetByKeyboardController()
    } else {
      test.runAll()
    }
  }
}
