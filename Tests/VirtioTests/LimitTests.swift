import DiskImage
import Glibc
import Host
import Metering
import Testing

@testable import Virtio

private let read: UInt32 = 0
private let write: UInt32 = 1
private let flush: UInt32 = 4
private let discard: UInt32 = 11
private let writeZeroes: UInt32 = 13

/// Disks and network cards under limits.
@Suite("Limited devices")
struct LimitTests {
  private let disk = ArrayDisk(sectors: 64)
  private let page: MeterPage

  init() throws {
    page = try MeterPage(
      in: nil, MeterShape(cpuCount: 1, diskCount: 1, networkCount: 1), memoryBytes: 0, process: 1)
  }

  private func bench(_ limiter: RateLimiter) throws -> BlockBench {
    try BlockBench(SynchronousBlockExecutor(disk), meter: page.disk(0), limiter: limiter)
  }

  /// Lets the device work until something holds, for five seconds at most.
  private func wait(_ driver: MockDriver, until condition: () -> Bool) {
    let end = Instant.now.advanced(byNanoseconds: 5_000_000_000)
    while !condition(), Instant.now < end {
      usleep(500)
      driver.pump()
    }
    #expect(condition())
  }

  @Test func requestsWaitForTheirTurn() throws {
    let bench = try bench(RateLimiter([.rate(.operationsFromGuest): 50, .burst(.operationsFromGuest): 1]))
    let start = Instant.now
    for slot in 0..<4 as Range<UInt64> {
      bench.offer(write, sector: slot, [.readable(BlockBench.data, 512)], slot: slot)
    }
    bench.driver.kick()
    #expect(disk.calls == ["write"])
    // A flush is work too, and has its turn.
    bench.offer(flush, slot: 4)
    bench.driver.kick()
    #expect(disk.calls == ["write"])
    wait(bench.driver) { disk.calls.count == 5 }
    #expect(Instant.now.nanoseconds(since: start) >= 80_000_000)
    #expect(disk.calls.last == "flush" && bench.driver.queues[0].usedIndex == 5)
  }

  @Test("What moves no bytes is an operation to the limits, and zeros that keep their room are bytes")
  func requestsWithoutDataCount() throws {
    let bench = try bench(RateLimiter([.rate(.operationsFromGuest): 1, .burst(.operationsFromGuest): 3]))
    #expect(bench.run(flush)?.status == 0)
    #expect(bench.runSegment(discard, sector: 0, count: 8) == 0)
    #expect(bench.runSegment(writeZeroes, sector: 0, count: 8, flags: 1) == 0)
    #expect(bench.run(flush) == nil && disk.calls.count == 3, "the burst is used")
    let bytes = try self.bench(RateLimiter([.rate(.bytesFromGuest): 512, .burst(.bytesFromGuest): 4096]))
    #expect(bytes.runSegment(writeZeroes, sector: 0, count: 8) == 0)
    #expect(bytes.runSegment(writeZeroes, sector: 0, count: 8) == nil, "the burst is used")
    #expect(bytes.run(flush)?.status == 0, "no limit counts it")
  }

  @Test func zerosAreInTheBudget() throws {
    let bench = try bench(RateLimiter([.budget: 4096]))
    #expect(bench.runSegment(writeZeroes, sector: 0, count: 8) == 0)
    #expect(bench.runSegment(writeZeroes, sector: 0, count: 8) == 1)
    #expect(bench.runSegment(writeZeroes, sector: 0, count: 8, flags: 1) == 0)
    #expect(bench.runSegment(discard, sector: 0, count: 8) == 0 && bench.run(flush)?.status == 0)
  }

  /// Zeros that need not keep their room are bytes as far as they may have to be written: those in parts of clusters,
  /// and of a raw image all, until it is known that its file can have holes.
  @Test(arguments: [ImageFormat.raw, .qcow2]) func zerosThatAreWrittenAreInTheBudget(format: ImageFormat) throws {
    func bench(_ budget: UInt64) throws -> BlockBench {
      let folder = TestFolder()
      var creation = ImageCreation(format: format, size: 1 << 20)
      creation.clusterSize = 4096
      try creation.make(at: folder.path + "/disk")
      let disk = try Disk(path: folder.path + "/disk", format: format, readOnly: false)
      return try BlockBench(
        SynchronousBlockExecutor(DiskBackend(disk, serial: []) { _ in }), limiter: RateLimiter([.budget: budget]))
    }
    // Half a cluster, two whole ones, and half a cluster.
    let some = try bench(format == .qcow2 ? 8192 : 12288)
    for _ in 0..<2 { #expect(some.runSegment(writeZeroes, sector: 4, count: 24, flags: 1) == 0) }
    #expect(some.run(write, [.readable(BlockBench.data, 512)])?.status == 1, "the budget is used")
    let part = try bench(6 * 512)
    #expect(part.runSegment(writeZeroes, sector: 1, count: 6, flags: 1) == 0)
    #expect(part.runSegment(writeZeroes, sector: 1, count: 6, flags: 1) == (format == .qcow2 ? 1 : 0))
    // A discard has shown that there can be holes.
    let whole = try bench(512)
    #expect(whole.runSegment(discard, sector: 0, count: 8) == 0)
    for _ in 0..<2 { #expect(whole.runSegment(writeZeroes, sector: 8, count: 16, flags: 1) == 0) }
    #expect(whole.run(write, [.readable(BlockBench.data, 512)])?.status == 0, "none of it is used")
  }

  @Test func readsDoNotWaitForWrites() throws {
    let bench = try bench(RateLimiter([.rate(.bytesFromGuest): 512, .burst(.bytesFromGuest): 512]))
    bench.offer(write, [.readable(BlockBench.data, 512)], slot: 0)
    bench.offer(write, [.readable(BlockBench.data, 512)], slot: 1)
    bench.offer(read, [.writable(BlockBench.data + 512, 512)], slot: 2)
    bench.driver.kick()
    #expect(disk.calls == ["write", "read"] && bench.driver.queues[0].usedIndex == 2)
  }

  @Test func aSharedLimitKeepsTheOrder() throws {
    let bench = try bench(RateLimiter([.rate(.bytes): 51200, .burst(.bytes): 512]))
    bench.offer(write, [.readable(BlockBench.data, 512)], slot: 0)
    bench.offer(write, [.readable(BlockBench.data, 512)], slot: 1)
    bench.offer(read, [.writable(BlockBench.data + 512, 512)], slot: 2)
    bench.driver.kick()
    #expect(disk.calls == ["write"])
    wait(bench.driver) { disk.calls == ["write", "write", "read"] }
  }

  /// What a driver is told to have failed was not read. A write that failed may have been written in part.
  @Test func whatFailsToBeReadIsInNoBudget() throws {
    let limiter = RateLimiter([.budget: 1024])
    let bench = try bench(limiter)
    disk.fails = true
    for _ in 0..<3 { #expect(bench.run(read, [.writable(BlockBench.data, 512)])?.status == 1) }
    #expect(disk.calls.count == 3 && !limiter.isExhausted)
    #expect(bench.run(write, [.readable(BlockBench.data, 512)])?.status == 1)
    disk.fails = false
    #expect(bench.run(read, [.writable(BlockBench.data, 512)])?.status == 0)
    #expect(bench.run(read, [.writable(BlockBench.data, 512)])?.status == 1 && limiter.isExhausted)
  }

  /// Has moved as much of each request when the driver resets the disk, and finished none.
  ///
  /// Sendable because the test and its device share one thread.
  private final class StuckExecutor: BlockExecutor, @unchecked Sendable {
    let backend: any BlockBackend
    let finishedSource: Int32? = nil
    private let movedBytes: UInt64
    private var tags: [Int] = []

    init(_ backend: any BlockBackend, movedBytes: UInt64) {
      self.backend = backend
      self.movedBytes = movedBytes
    }

    func start(_ request: BlockRequest, tag: Int, _ buffers: UnsafeBufferPointer<iovec>) -> BlockStatus? {
      tags.append(tag)
      return nil
    }

    func submit() -> Bool { false }
    func takeFinished() -> (tag: Int, status: BlockStatus)? { nil }

    func drain() -> [DrainedRequest] {
      defer { tags = [] }
      return tags.map { DrainedRequest(tag: $0, isDone: false, movedBytes: movedBytes) }
    }
  }

  /// One request of a budget of 4096 bytes is given up, and one that the limits held back. Zeros may be written.
  @Test(arguments: [(write, 512), (read, 512), (read, 0), (writeZeroes, 4096)] as [(UInt32, UInt64)])
  func whatAResetGivesUpIsInNoBudget(type: UInt32, used: UInt64) throws {
    let limiter = RateLimiter([.rate(.operations): 1, .burst(.operations): 1, .budget: 4096])
    let executor = StuckExecutor(disk, movedBytes: type == writeZeroes ? 0 : used)
    let bench = try BlockBench(executor, meter: page.disk(0), limiter: limiter)
    if type == writeZeroes {
      #expect(bench.runSegment(type, sector: 0, count: 8) == nil)
    } else {
      for slot in 0..<2 as Range<UInt64> {
        let buffer: DriverQueue.Buffer =
          type == read ? .writable(BlockBench.data, 2048) : .readable(BlockBench.data, 2048)
        bench.offer(type, [buffer], slot: slot)
      }
      bench.driver.kick()
    }
    for _ in 0..<2 { bench.driver.write(.status, 0) }
    limiter.set(.rate(.operations), to: nil, at: .now)
    if used < 4096 { #expect(limiter.admit(.toGuest, bytes: 4096 - used, at: .now) == .now) }
    #expect(limiter.admit(.toGuest, bytes: 1, at: .now) == .never)
  }

  @Test func theBudgetEndsInErrors() throws {
    let bench = try bench(RateLimiter([.budget: 1024]))
    for _ in 0..<2 { #expect(bench.run(write, [.readable(BlockBench.data, 512)])?.status == 0) }
    #expect(bench.run(read, [.writable(BlockBench.data, 512)])?.status == 1)
    #expect(bench.run(flush)?.status == 0)
    #expect(disk.calls == ["write", "write", "flush"])
  }

  @Test func aChangeWakesWhatWaits() throws {
    let limiter = RateLimiter([.rate(.operations): 1, .burst(.operations): 1])
    let bench = try bench(limiter)
    for slot in 0..<2 as Range<UInt64> { bench.offer(write, [.readable(BlockBench.data, 512)], slot: slot) }
    bench.driver.kick()
    #expect(disk.calls == ["write"])
    limiter.set(.rate(.operations), to: nil, at: .now)
    bench.driver.transport.lookAgain()
    bench.driver.pump()
    #expect(disk.calls == ["write", "write"])
  }

  @Test func aResetForgetsWhatWaits() throws {
    let bench = try bench(RateLimiter([.rate(.operations): 20, .burst(.operations): 1]))
    for slot in 0..<3 as Range<UInt64> { bench.offer(write, [.readable(BlockBench.data, 512)], slot: slot) }
    bench.driver.kick()
    bench.driver.write(.status, 0)
    usleep(120_000)
    bench.driver.pump()
    #expect(disk.calls == ["write"])
  }

  @Test func waitsAreMetered() throws {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1, diskCount: 1), memoryBytes: 0,
      process: 1)
    let bench = try BlockBench(
      SynchronousBlockExecutor(disk), meter: page.disk(0),
      limiter: RateLimiter([.rate(.operationsFromGuest): 50, .burst(.operationsFromGuest): 1]))
    for slot in 0..<3 as Range<UInt64> { bench.offer(write, [.readable(BlockBench.data, 512)], slot: slot) }
    bench.driver.kick()
    wait(bench.driver) { disk.calls.count == 3 }
    let meter = try #require(try MeterReading(of: file.descriptor)).disks[0]
    #expect(meter.written.requests == 3 && meter.written.bytes == 1536 && meter.written.latencies.total == 3)
    #expect(meter.written.throttledNanoseconds >= 30_000_000 && meter.read.throttledNanoseconds == 0)
    // As the guest sees it: the wait belongs to the latency.
    #expect(meter.written.latencies.quantile(1)! >= 40_000_000)
  }

  /// What the guest is told to have failed, whoever refused it, and nothing else.
  @Test func failuresAreMetered() throws {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1, diskCount: 1), memoryBytes: 0,
      process: 1)
    func counts() throws -> [UInt64] {
      let meter = try #require(try MeterReading(of: file.descriptor)).disks[0]
      return [meter.read.failures, meter.written.failures, meter.flushes, meter.discards, meter.written.requests]
    }
    let bench = try BlockBench(SynchronousBlockExecutor(disk), meter: page.disk(0))
    let data = BlockBench.data
    disk.fails = true
    #expect(bench.run(flush)!.status == 1)
    #expect(bench.runSegment(discard, sector: 0, count: 8) == 1)
    #expect(bench.runSegment(writeZeroes, sector: 0, count: 8) == 1)
    #expect(bench.run(write, [.readable(data, 512)])!.status == 1)
    #expect(bench.run(read, [.writable(data, 512)])!.status == 1)
    #expect(try counts() == [1, 4, 0, 0, 0])
    disk.fails = false
    // Past the end, one of two sectors, of a type that nobody knows, and a segment of impossible flags.
    #expect(bench.run(read, sector: 64, [.writable(data, 512)])!.status == 1)
    #expect(bench.run(write, sector: 63, [.readable(data, 1024)])!.status == 1)
    #expect(bench.run(99)!.status == 2)
    #expect(bench.runSegment(writeZeroes, sector: 0, count: 8, flags: 2) == 2)
    #expect(try counts() == [2, 6, 0, 0, 0])
    #expect(bench.run(flush)!.status == 0)
    #expect(bench.runSegment(discard, sector: 0, count: 8) == 0)
    #expect(try counts() == [2, 6, 1, 1, 0])
  }

  @Test func packetsWaitForTheirTurn() throws {
    let cable = TestCable()
    // The two wait for 100 and 200 ms; on a busy machine less, as time has passed before they are looked at.
    let limiter = RateLimiter([
      .rate(.operationsFromGuest): 10, .burst(.operationsFromGuest): 1, .rate(.operationsToGuest): 10,
      .burst(.operationsToGuest): 1,
    ])
    let driver = try MockDriver(Network(cable, mac: [2, 0, 0, 0, 0, 1], meter: page.network(0), limiter: limiter))
    try driver.start(.common)
    for index in 0..<3 as Range<UInt64> {
      driver.queues[1].offer([.readable(0x10_0000, 72)])
      driver.queues[0].offer([.writable(0x20_0000 + 4096 * index, 2048)])
      cable.arrive([UInt8](repeating: 1, count: 60))
    }
    driver.kick(0)
    driver.kick(1)
    #expect(driver.queues[1].usedIndex == 1 && driver.queues[0].usedIndex == 1)
    wait(driver) { driver.queues[1].usedIndex == 3 && driver.queues[0].usedIndex == 3 }
    for direction in FlowDirection.allCases {
      let reading = page.network(0).reading(direction)
      #expect(reading.packets == 3 && reading.bytes == 180 && reading.drops == 0)
      #expect(reading.throttledNanoseconds >= 30_000_000)
    }
  }

  @Test func aCardWithoutBudgetIsUnplugged() throws {
    let cable = TestCable()
    let driver = try MockDriver(
      Network(cable, mac: [2, 0, 0, 0, 0, 1], meter: page.network(0), limiter: RateLimiter([.budget: 100])))
    try driver.start(.common)
    driver.queues[1].offer([.readable(0x10_0000, 72)])
    driver.kick(1)
    #expect(driver.readConfiguration(6, as: UInt16.self) == 1)
    driver.queues[1].offer([.readable(0x10_0000, 72)])
    driver.kick(1)
    #expect(driver.readConfiguration(6, as: UInt16.self) == 0 && driver.queues[1].usedIndex == 2)
    #expect(page.network(0).reading(.fromGuest) == .init(packets: 1, bytes: 60, drops: 1))
  }

  /// Two of 60 bytes are more than the budget has.
  @Test func whatIsLostIsInNoBudget() throws {
    let cable = TestCable()
    let limiter = RateLimiter([.budget: 100])
    let driver = try MockDriver(Network(cable, mac: [2, 0, 0, 0, 0, 1], meter: page.network(0), limiter: limiter))
    try driver.start(.common)
    cable.dropsAll = true
    for _ in 0..<3 {
      driver.queues[1].offer([.readable(0x10_0000, 72)])
      driver.kick(1)
    }
    #expect(page.network(0).reading(.fromGuest) == .init(drops: 3) && !limiter.isExhausted)
    cable.dropsAll = false
    driver.queues[1].offer([.readable(0x10_0000, 72)])
    driver.kick(1)
    #expect(page.network(0).reading(.fromGuest) == .init(packets: 1, bytes: 60, drops: 3))
    driver.queues[1].offer([.readable(0x10_0000, 72)])
    driver.kick(1)
    #expect(page.network(0).reading(.fromGuest) == .init(packets: 1, bytes: 60, drops: 4) && limiter.isExhausted)
  }

  /// A packet that was let through waits for the cable, and its driver makes it longer; or puts another in its place.
  @Test(arguments: [false, true]) func whatWasLetThroughIsWhatGoes(resetsQueue: Bool) throws {
    let cable = TestCable()
    let limiter = RateLimiter([.budget: 100])
    let driver = try MockDriver(Network(cable, mac: [2, 0, 0, 0, 0, 1], meter: page.network(0), limiter: limiter))
    try driver.start(.common)
    cable.takesNothing = true
    let head = driver.queues[1].offer([.readable(0x10_0000, 72)])
    driver.kick(1)
    if resetsQueue {
      driver.write(.queueSel, 1)
      driver.write(.queueReset, 1)
      driver.addQueue(1, size: 8, features: .common)
      driver.queues[1].offer([.readable(0x10_0000, 1512)])
      driver.kick(1)
    } else {
      driver.queues[1].setDescriptor(head, address: 0x10_0000, length: 1512, flags: 0)
    }
    cable.takesNothing = false
    driver.pump()
    #expect(cable.sent.map(\.count) == (resetsQueue ? [] : [72]) && driver.queues[1].usedIndex == 1)
    let (packets, drops): (UInt64, UInt64) = resetsQueue ? (0, 1) : (1, 0)
    #expect(page.network(0).reading(.fromGuest) == .init(packets: packets, bytes: 60 * packets, drops: drops))
  }

  /// The guest's buffers are too small for what comes.
  @Test func whatTheGuestCannotTakeIsInNoBudget() throws {
    let cable = TestCable()
    let limiter = RateLimiter([.budget: 1000])
    let driver = try MockDriver(Network(cable, mac: [2, 0, 0, 0, 0, 1], meter: page.network(0), limiter: limiter))
    try driver.start(.common)
    driver.queues[0].offer([.writable(0x20_0000, 200)])
    for _ in 0..<3 { cable.arrive([UInt8](repeating: 1, count: 600)) }
    cable.arrive([UInt8](repeating: 1, count: 60))
    driver.kick(0)
    #expect(page.network(0).reading(.toGuest) == .init(packets: 1, bytes: 60, drops: 3) && !limiter.isExhausted)
  }
}
