import DiskImage
import Glibc
import GuestMemory
import Host
import Testing

@testable import Virtio

private let read: UInt32 = 0
private let write: UInt32 = 1
private let flush: UInt32 = 4
private let identify: UInt32 = 8
private let discard: UInt32 = 11
private let writeZeroes: UInt32 = 13
private let ok: UInt8 = 0
private let ioError: UInt8 = 1
private let unsupported: UInt8 = 2

@Suite("Block")
struct BlockTests {
  let disk = ArrayDisk(sectors: 64)

  @Test func describesItself() throws {
    let bench = try BlockBench(disk)
    #expect(bench.driver.offered.contains(Features(rawValue: 0b110_1110_0101_0110)))
    #expect(!bench.driver.offered.contains(Features(bit: 5)))
    #expect(bench.driver.readConfiguration(0, as: UInt32.self) == 64)
    #expect(bench.driver.readConfiguration(4, as: UInt32.self) == 0)
    #expect(bench.driver.readConfiguration(12, as: UInt32.self) == 254)
    #expect(bench.driver.readConfiguration(20, as: UInt32.self) == 512)
    #expect(bench.driver.readConfiguration(24, as: UInt8.self) == 3, "eight blocks of 512 bytes make 4096")
    #expect(bench.driver.readConfiguration(26, as: UInt16.self) == 8)
    #expect(bench.driver.readConfiguration(40, as: UInt32.self) == 1)
    #expect(bench.driver.readConfiguration(44, as: UInt32.self) == 32, "discard_sector_alignment")
    #expect(bench.driver.readConfiguration(56, as: UInt8.self) == 1)
    #expect(bench.driver.readConfiguration(60, as: UInt32.self) == 0, "beyond the end")
  }

  /// Cylinders, heads and sectors (5.2.4); the last cylinder is not whole and does not count.
  @Test func geometry() throws {
    let bench = try BlockBench(ArrayDisk(sectors: 5 * 16 * 63 + 62))
    #expect(bench.driver.offered.contains(Features(bit: 4)))
    #expect(bench.driver.readConfiguration(16, as: UInt16.self) == 5)
    #expect(bench.driver.readConfiguration(18, as: UInt8.self) == 16)
    #expect(bench.driver.readConfiguration(19, as: UInt8.self) == 63)
  }

  /// Data cut into any pieces, header and status too (2.7.4.1).
  @Test func readsInPieces() throws {
    let bench = try BlockBench(disk)
    let data = BlockBench.data
    for cut in [1, 13, 511, 512, 513, 1023] {
      #expect(bench.run(read, sector: 3, [.writable(data, cut), .writable(data + 4096, 1024 - cut)])! == (ok, 1025))
      #expect(bench.driver.bytes(data, cut) == Array(disk.bytes[1536..<1536 + cut]))
      #expect(bench.driver.bytes(data + 4096, 1024 - cut) == Array(disk.bytes[1536 + cut..<2560]))
    }
    // The status may follow the data in one buffer, the header come in two.
    bench.driver.put(BlockBench.headerBytes(read, 5), at: BlockBench.header)
    bench.driver.queues[0].offer([
      .readable(BlockBench.header, 3), .readable(BlockBench.header + 3, 13), .writable(data, 513),
    ])
    bench.driver.kick()
    #expect(bench.driver.queues[0].takeUsed()?.written == 513)
    #expect(bench.driver.bytes(data, 513) == Array(disk.bytes[2560..<3072]) + [0])
  }

  @Test func writesAndReadsBack() throws {
    let bench = try BlockBench(disk)
    let pattern = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    bench.driver.put(pattern, at: BlockBench.data)
    #expect(
      bench.run(write, sector: 62, [.readable(BlockBench.data, 100), .readable(BlockBench.data + 100, 924)])!
      == (ok, 1))
    #expect(Array(disk.bytes[62 * 512..<64 * 512]) == pattern)
    #expect(bench.run(read, sector: 62, [.writable(0x8_0000, 1024)])! == (ok, 1025))
    #expect(bench.driver.bytes(0x8_0000, 1024) == pattern)
  }

  @Test func flushMakesDurable() throws {
    let bench = try BlockBench(disk)
    bench.driver.put([UInt8](repeating: 9, count: 512), at: BlockBench.data)
    _ = bench.run(write, [.readable(BlockBench.data, 512)])
    #expect(disk.durable[0] != 9)
    #expect(bench.run(flush)! == (ok, 1))
    #expect(disk.durable[0] == 9)
  }

  /// A guest that is stopped has had no time to flush.
  @Test func powerOffMakesDurable() throws {
    let bench = try BlockBench(disk)
    bench.driver.put([UInt8](repeating: 9, count: 512), at: BlockBench.data)
    _ = bench.run(write, [.readable(BlockBench.data, 512)])
    bench.offer(write, sector: 1, [.readable(BlockBench.data, 512)])
    bench.driver.transport.powerOff()
    #expect(disk.durable[0] == 9)
    bench.driver.kick()
    #expect(bench.driver.queues[0].usedIndex == 1, "nothing is begun any more")
    let readOnly = ArrayDisk(sectors: 8, isReadOnly: true)
    try BlockBench(readOnly).driver.transport.powerOff()
    #expect(readOnly.calls.isEmpty)
  }

  /// 5.2.6.2: who cannot flush, or has switched the cache off, finds every write durable.
  @Test func writeThrough() throws {
    let bench = try BlockBench(disk, features: .common)
    bench.driver.put([UInt8](repeating: 9, count: 512), at: BlockBench.data)
    _ = bench.run(write, [.readable(BlockBench.data, 512)])
    #expect(disk.durable[0] == 9)
  }

  /// Whatever the driver takes: it is offered no cache to flush.
  @Test func withoutACache() throws {
    let bench = try BlockBench(SynchronousBlockExecutor(disk), hasCache: false)
    #expect(bench.driver.offered.isDisjoint(with: [Features(bit: 9), Features(bit: 11)]))
    bench.driver.put([UInt8](repeating: 9, count: 512), at: BlockBench.data)
    _ = bench.run(write, [.readable(BlockBench.data, 512)])
    #expect(disk.durable[0] == 9)
  }

  @Test func cacheModeIsSet() throws {
    let bench = try BlockBench(disk)
    #expect(bench.driver.readConfiguration(32, as: UInt8.self) == 1)
    bench.driver.writeConfiguration(32, 0 as UInt8)
    #expect(bench.driver.readConfiguration(32, as: UInt8.self) == 0)
    bench.driver.put([UInt8](repeating: 9, count: 512), at: BlockBench.data)
    _ = bench.run(write, [.readable(BlockBench.data, 512)])
    #expect(disk.durable[0] == 9)
    bench.driver.writeConfiguration(32, 1 as UInt8)
    _ = bench.run(write, sector: 1, [.readable(BlockBench.data, 512)])
    #expect(disk.durable[512] != 9)
    // Nothing else can be written, and not without the feature.
    bench.driver.writeConfiguration(0, 1 as UInt32)
    #expect(bench.driver.readConfiguration(0, as: UInt32.self) == 64)
    let plain = try BlockBench(disk, features: .common.union(Features(bit: 9)))
    plain.driver.writeConfiguration(32, 0 as UInt8)
    #expect(plain.driver.readConfiguration(32, as: UInt8.self) == 1)
  }

  /// From FEATURES_OK on the field says what holds and keeps what is written (5.2.5.2): a driver need not wait for the
  /// I/O thread, here ``MockDriver/pump()``.
  @Test func cacheModeIsSetBeforeTheDeviceWorks() throws {
    let bench = try BlockBench(disk)
    let driver = bench.driver
    #expect(driver.negotiate(Features.common.union(Features(bit: 11))))
    #expect(driver.readConfiguration(32, as: UInt8.self) == 0, "who cannot flush has no cache")
    #expect(driver.negotiate(.block.intersection(driver.offered)))
    #expect(driver.readConfiguration(32, as: UInt8.self) == 1)
    driver.addQueue(0, size: 16, features: .block)
    driver.add(.driverOK)
    driver.writeConfiguration(32, 0 as UInt8)
    #expect(driver.readConfiguration(32, as: UInt8.self) == 0)
    driver.put([UInt8](repeating: 9, count: 512), at: BlockBench.data)
    _ = bench.run(write, [.readable(BlockBench.data, 512)])
    #expect(disk.durable[0] == 9)
  }

  @Test func identity() throws {
    let bench = try BlockBench(disk)
    #expect(bench.run(identify, [.writable(BlockBench.data, 20)])! == (ok, 21))
    #expect(bench.driver.bytes(BlockBench.data, 20) == Array("a-house-of-its-own\0\0".utf8))
    #expect(bench.run(identify, [.writable(BlockBench.data, 19)])!.status == ioError)
  }

  @Test func discardAndZeroes() throws {
    let bench = try BlockBench(disk)
    #expect(bench.runSegment(discard, sector: 8, count: 8) == ok)
    #expect(bench.runSegment(writeZeroes, sector: 16, count: 1) == ok)
    #expect(bench.runSegment(writeZeroes, sector: 17, count: 47, flags: 1) == ok)
    #expect(disk.calls == ["discard 4096 4096", "zeroes 8192 512 false", "zeroes 8704 24064 true"])
    #expect(bench.runSegment(discard, sector: 8, count: 8, flags: 1) == unsupported, "unmap is for write-zeroes")
    #expect(bench.runSegment(writeZeroes, sector: 8, count: 8, flags: 2) == unsupported)
    #expect(bench.runSegment(discard, sector: 63, count: 2) == ioError)
    #expect(bench.runSegment(discard, sector: 63, count: 0) == ioError)
    #expect(bench.runSegment(writeZeroes, sector: .max, count: .max) == ioError)
    #expect(disk.calls.count == 3)
  }

  /// Each takes the thread some milliseconds, which other devices share: one at a time.
  @Test func clearingMakesPlaceForOthers() throws {
    let bench = try BlockBench(disk)
    #expect(bench.driver.readConfiguration(36, as: UInt32.self) == 32_768, "max_discard_sectors")
    #expect(bench.driver.readConfiguration(48, as: UInt32.self) == 32_768, "max_write_zeroes_sectors")
    bench.driver.put([UInt8](repeating: 0, count: 8) + [8, 0, 0, 0] + [0, 0, 0, 0], at: BlockBench.data)
    for slot in 0..<3 as Range<UInt64> { bench.offer(discard, [.readable(BlockBench.data, 16)], slot: slot) }
    bench.offer(read, [.writable(BlockBench.data + 4096, 512)], slot: 3)
    _ = bench.driver.queues[0].announce()
    for done in 1...3 {
      bench.driver.transport.doorbellRang(0)
      #expect(disk.calls.count == done)
      #expect(bench.driver.queues[0].usedIndex == UInt16(done))
    }
    // The device comes back by itself.
    bench.driver.pump()
    #expect(disk.calls.count == 4)
    #expect(bench.driver.queues[0].usedIndex == 4)
  }

  @Test func readOnly() throws {
    let disk = ArrayDisk(sectors: 8, isReadOnly: true)
    let bench = try BlockBench(disk)
    #expect(bench.driver.offered.contains(Features(bit: 5)))
    #expect(bench.driver.offered.isDisjoint(with: [Features(bit: 13), Features(bit: 14)]))
    #expect(bench.run(write, [.readable(BlockBench.data, 512)])!.status == ioError)
    #expect(bench.runSegment(discard, sector: 0, count: 1) == ioError)
    #expect(bench.runSegment(writeZeroes, sector: 0, count: 1) == ioError)
    #expect(bench.run(read, [.writable(BlockBench.data, 512)])!.status == ok)
    #expect(disk.calls == ["read"])
  }

  /// What can be answered is answered, and never reaches the disk.
  @Test func badRequests() throws {
    let bench = try BlockBench(disk)
    let data = BlockBench.data
    for sector in [64, 65, 1 << 54, 1 << 55, .max] as [UInt64] {
      #expect(bench.run(read, sector: sector, [.writable(data, 512)])! == (ioError, 0))
      #expect(bench.run(write, sector: sector, [.readable(data, 512)])! == (ioError, 1))
    }
    #expect(bench.run(read, sector: 63, [.writable(data, 1024)])!.status == ioError, "half of it lies past the end")
    for count in [1, 511, 513] {
      #expect(bench.run(read, [.writable(data, count)])!.status == ioError)
      #expect(bench.run(write, [.readable(data, count)])!.status == ioError)
    }
    #expect(bench.run(read)!.status == ioError, "nothing to read into")
    #expect(bench.run(read, [.readable(data, 512)])!.status == ioError, "the wrong direction")
    #expect(bench.run(write, [.writable(data, 512)])!.status == ioError)
    for type in [2, 3, 5, 9, 10, 14, 15, 0x8000_0000, .max] as [UInt32] {
      #expect(bench.run(type)!.status == unsupported)
    }
    #expect(disk.calls.isEmpty)
    #expect(bench.driver.transport.fault == nil)
    // A header that is too short still has a place for the answer.
    bench.driver.queues[0].offer([.readable(BlockBench.header, 15), .writable(BlockBench.status, 1)])
    bench.driver.kick()
    #expect(bench.driver.bytes(BlockBench.status, 1) == [ioError])
  }

  @Test func noPlaceForAStatus() throws {
    let bench = try BlockBench(disk)
    bench.driver.queues[0].offer([.readable(BlockBench.header, 16), .readable(BlockBench.data, 512)])
    bench.driver.kick()
    bench.driver.expectFault(.malformedRequest)
    #expect(disk.calls.isEmpty)
  }

  @Test func hostFails() throws {
    let bench = try BlockBench(disk)
    disk.fails = true
    #expect(bench.run(read, [.writable(BlockBench.data, 512)])! == (ioError, 0), "nothing was written for the driver")
    #expect(bench.run(flush)! == (ioError, 1))
    disk.fails = false
    #expect(bench.run(flush)! == (ok, 1))
  }

  // MARK: Many at once

  /// size_max and seg_max (5.2.4): memory may be named many times, so a request can be larger than the guest.
  @Test func noRequestIsLargerThanAnyMayBe() throws {
    let file = SharedDescriptor(try .memory(named: "large"))
    try file.descriptor.truncate(to: 1 << 30)
    let disk = try Disk(path: "/proc/self/fd/\(file.number)", format: .raw, readOnly: false)
    let executor = try RingBlockExecutor(DiskBackend(disk, serial: []) { error in Issue.record("\(error)") })
    let bench = try BlockBench(executor, queueSize: 256)
    #expect(bench.driver.readConfiguration(8, as: UInt32.self) == 1 << 20)
    let whole = [DriverQueue.Buffer](repeating: .writable(BlockBench.data, 1 << 20), count: 254)
    bench.offer(read, whole)
    bench.driver.kick()
    for _ in 0..<1000 where bench.driver.bytes(BlockBench.status, 1) == [0xff] {
      usleep(10_000)
      bench.driver.pump()
    }
    #expect(bench.driver.bytes(BlockBench.status, 1) == [ok])
    _ = bench.driver.queues[0].takeUsed()
    #expect(bench.run(read, whole.dropLast() + [.writable(BlockBench.data, 1 << 20 | 512)])!.status == ioError)
  }

  /// A reset waits for what is under way, which no other thread may have to wait for: so it is bounded, too.
  @Test func notTooMuchIsUnderWay() throws {
    let executor = DelayingExecutor(ArrayDisk(sectors: 2048))
    let bench = try BlockBench(executor, queueSize: 256)
    for slot in 0..<80 as Range<UInt64> { bench.offer(read, [.writable(BlockBench.data, 1 << 20)], slot: slot) }
    bench.driver.kick()
    #expect(executor.started < 64, "others have their turns")
    for _ in 0..<10 { bench.driver.pump() }
    #expect(executor.started == 64)
    executor.finish(10)
    for _ in 0..<10 { bench.driver.pump() }
    #expect(executor.started == 64)
    executor.finish(100)
    for _ in 0..<10 { bench.driver.pump() }
    var answers = 0
    while bench.driver.queues[0].takeUsed() != nil { answers += 1 }
    #expect(answers == 80 && executor.started == 0)
  }

  @Test func finishesInAnyOrder() throws {
    let executor = DelayingExecutor(disk)
    let bench = try BlockBench(executor, queueSize: 64)
    for slot in 0..<16 as Range<UInt64> {
      bench.offer(read, sector: slot, [.writable(BlockBench.data + 512 * slot, 512)], slot: slot)
    }
    bench.driver.kick()
    #expect(executor.started == 16)
    #expect(bench.driver.queues[0].takeUsed() == nil)
    executor.finish(10)
    bench.driver.pump()
    var answers = 0
    while bench.driver.queues[0].takeUsed() != nil { answers += 1 }
    #expect(answers == 10)
    #expect(bench.driver.takeInterrupt() == 1)
    #expect(
      bench.driver.bytes(BlockBench.status, 16)
      == [UInt8](repeating: 0xff, count: 6) + [UInt8](repeating: 0, count: 10))
    executor.finish(6)
    bench.driver.pump()
    #expect(bench.driver.bytes(BlockBench.data, 16 * 512) == Array(disk.bytes[..<(16 * 512)]))
    #expect(bench.driver.bytes(BlockBench.status, 16) == [UInt8](repeating: 0, count: 16))
  }

  /// A reset waits for what is under way, and nothing of it comes back.
  @Test(arguments: [false, true]) func resetWhileUnderWay(onlyQueue: Bool) throws {
    let executor = DelayingExecutor(disk)
    let bench = try BlockBench(executor)
    bench.offer(read, [.writable(BlockBench.data, 512)])
    bench.driver.kick()
    let old = bench.driver.queues[0]
    if onlyQueue {
      bench.driver.write(.queueSel, 0)
      bench.driver.write(.queueReset, 1)
      bench.driver.addQueue(0, size: 16, features: .block)
    } else {
      try bench.driver.start(.block.intersection(bench.driver.offered))
    }
    #expect(executor.started == 0)
    executor.finish(1)
    bench.driver.pump()
    #expect(old.usedIndex == 0)
    #expect(bench.driver.queues[0].usedIndex == 0)
    _ = executor.drain()
    bench.offer(read, [.writable(BlockBench.data, 512)])
    bench.driver.kick()
    executor.finish(1)
    bench.driver.pump()
    #expect(bench.driver.queues[0].takeUsed()?.written == 513)
  }

  /// Random requests, good and bad, against a disk that the test keeps in step.
  @Test(arguments: 0..<4 as Range<UInt64>) func randomRequests(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let bench = try BlockBench(disk)
    var model = disk.bytes
    for _ in 0..<300 {
      let sector = UInt64.random(in: 0..<70, using: &random)
      let count = Int.random(in: 1...8, using: &random) * 512
      let fits = sector + UInt64(count / 512) <= 64
      let range = Int(sector) * 512..<Int(sector) * 512 + count
      let cut = Int.random(in: 1..<count, using: &random)
      if Bool.random(using: &random) {
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        bench.driver.put(bytes, at: BlockBench.data)
        let answer = bench.run(write, sector: sector, [
          .readable(BlockBench.data, cut), .readable(BlockBench.data + UInt64(cut), count - cut),
        ])
        #expect(answer!.status == (fits ? ok : ioError))
        if fits { model.replaceSubrange(range, with: bytes) }
      } else {
        let answer = bench.run(read, sector: sector, [
          .writable(BlockBench.data, cut), .writable(BlockBench.data + UInt64(cut), count - cut),
        ])
        #expect(answer!.status == (fits ? ok : ioError))
        if fits { #expect(bench.driver.bytes(BlockBench.data, count) == Array(model[range])) }
      }
    }
    #expect(disk.bytes == model)
  }
}
