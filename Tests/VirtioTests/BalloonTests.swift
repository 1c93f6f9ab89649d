import Glibc
import GuestMemory
import Testing

@testable import Virtio

@Suite("Balloon")
struct BalloonTests {
  let control: BalloonControl
  let driver: MockDriver
  static let pages: UInt64 = 0x10_0000
  init() throws {
    control = try BalloonControl()
    driver = try MockDriver(Balloon(control))
  }

  private func start(_ features: Features = Features(rawValue: 0b10_0110)) throws {
    try driver.start(.common.union(features), queueSize: 16)
  }

  /// Fills the pages from 1 MiB on, and says which of them still hold what was written.
  private func fill(_ count: UInt64) {
    for page in 0..<count { driver.put([UInt8(page + 1)], at: Self.pages + 4096 * page) }
  }

  private func kept(_ count: UInt64) -> [UInt64] {
    (0..<count).filter { driver.bytes(Self.pages + 4096 * $0, 1)[0] == UInt8($0 + 1) }
  }

  private func offer(_ numbers: [UInt32], queue: Int = 0) {
    let place = 0x8_0000 as UInt64
    driver.put(numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }, at: place)
    driver.queues[queue].offer([.readable(place, 4 * numbers.count)])
  }

  @Test func hearsTheTarget() throws {
    try start()
    #expect(driver.offered.contains(Features(rawValue: 0b10_0110)))
    control.targetPages = 1000
    driver.transport.configurationChanged()
    #expect(driver.takeInterrupt() == 2)
    #expect(driver.readConfiguration(0, as: UInt32.self) == 1000)
    driver.writeConfiguration(4, 77 as UInt32)
    #expect(control.actualPages == 77)
    #expect(driver.readConfiguration(4, as: UInt32.self) == 77)
    driver.writeConfiguration(0, 1 as UInt32)
    #expect(driver.readConfiguration(0, as: UInt32.self) == 1000, "the target is the host's")
    driver.write(.status, 0)
    #expect(control.actualPages == 0)
  }

  @Test func inflatedPagesGoBack() throws {
    try start()
    fill(12)
    // Up, down, alone, and one twice.
    offer([0x101, 0x102, 0x103, 0x107, 0x106, 0x105, 0x109, 0x109])
    driver.kick()
    #expect(driver.queues[0].takeUsed()?.written == 0)
    #expect(kept(12) == [0, 4, 8, 10, 11])
    offer([0x101], queue: 1)
    driver.kick(1)
    #expect(driver.queues[1].takeUsed()?.written == 0)
    fill(12)
    #expect(kept(12).count == 12)
  }

  @Test func runsAreMerged() throws {
    var pages = BalloonPages()
    let queue = DriverQueue(size: 2, at: 0x2000, in: driver.memory)
    let device = Virtqueue(maximumSize: 2, in: driver.memory)
    try device.start(QueueLayout(queue), features: .version1)
    driver.put([5, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], at: 0x3000)
    queue.offer([.readable(0x3000, 20)])
    _ = queue.announce()
    var chain = DescriptorChain(in: driver.memory)
    #expect(try device.next(into: &chain))
    try pages.parse(chain)
    var ranges: [GuestRange] = []
    try pages.forEachRange { ranges.append($0) }
    #expect(
      ranges == [
        GuestRange(start: GuestAddress(0x4000), count: 0x3000)!,
        GuestRange(start: GuestAddress(0x8000), count: 0x1000)!,
        GuestRange(start: GuestAddress(0xfff_ffff_f000), count: 0x1000)!,
      ])
  }

  /// As Linux counts the queues, and as the specification does.
  @Test(arguments: [(0b10_0110, 3), (0b10_0110, 4), (0b10_0000, 2)] as [(UInt64, Int)])
  func reportedPagesGoBack(features: UInt64, queue: Int) throws {
    try start(Features(rawValue: features))
    fill(8)
    driver.queues[queue].offer([.writable(Self.pages + 4096, 8192), .writable(Self.pages + 5 * 4096, 4096)])
    driver.kick(queue)
    #expect(driver.queues[queue].takeUsed()?.written == 0)
    #expect(kept(8) == [0, 3, 4, 6, 7])
  }

  @Test func statistics() throws {
    #expect(!control.requestStatistics(), "there is no driver")
    try start()
    func offer(_ entries: [(UInt16, UInt64)]) {
      var bytes: [UInt8] = []
      for (tag, value) in entries {
        bytes += [UInt8(truncatingIfNeeded: tag), UInt8(tag >> 8)]
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
      }
      driver.put(bytes, at: 0x9_0000)
      driver.queues[2].offer([.readable(0x9_0000, bytes.count)])
      driver.kick(2)
    }
    #expect(control.statistics == BalloonStatistics())
    offer([(5, 1 << 40), (4, 123), (999, 7)])
    // The specification's tags 4, 5 and 7: free, all, and caches.
    #expect(control.statistics[5] == 1 << 40)
    #expect(control.statistics[4] == 123)
    #expect(control.statistics[7] == nil)
    #expect(control.statisticsCame.drain() == 1)
    #expect(driver.queues[2].usedIndex == 0, "the buffer is kept until it is wanted")
    #expect(control.requestStatistics())
    driver.pump()
    #expect(control.statisticsCame.drain() == 0)
    #expect(driver.queues[2].takeUsed() != nil)
    #expect(driver.takeInterrupt() == 1)
    offer([(4, 5)])
    #expect(control.statistics[4] == 5)
    #expect(control.statistics[5] == nil)
    #expect(control.statisticsCame.drain() == 1)
    // Asked twice at once, and with no buffer there: nothing happens.
    #expect(control.requestStatistics())
    #expect(control.requestStatistics())
    driver.pump()
    #expect(control.requestStatistics())
    driver.pump()
    #expect(driver.queues[2].usedIndex == 2)
    #expect(driver.transport.fault == nil)
    // A driver that goes takes what it said along, and so does one that has never agreed to say anything.
    driver.write(.status, 0)
    #expect(control.statistics == BalloonStatistics())
    #expect(!control.requestStatistics())
    try start([])
    #expect(!control.requestStatistics())
  }

  // MARK: Bad drivers

  @Test(arguments: [[0x101, 0x400], [0xffff_ffff], [0xc0000]] as [[UInt32]])
  func pagesThatAreNotThere(numbers: [UInt32]) throws {
    try start()
    offer(numbers)
    driver.kick()
    driver.expectFault(.malformedRequest)
  }

  @Test func requestsThatMakeNoSense() throws {
    let wrong: [(Int, [DriverQueue.Buffer])] = [
      (0, [.writable(0x8_0000, 4)]), (0, [.readable(0x8_0000, 5)]), (0, [.readable(0x8_0000, 0x1_0004)]),
      (2, [.writable(0x8_0000, 10)]), (2, [.readable(0x8_0000, 650)]), (3, [.readable(0x8_0000, 4096)]),
      (3, [.writable(0x8_0001, 4096)]), (4, [.writable(0x8_0000, 4095)]),
    ]
    for (queue, buffers) in wrong {
      try start()
      driver.queues[queue].offer(buffers)
      driver.kick(queue)
      driver.expectFault(.malformedRequest)
    }
    try start()
    for _ in 0..<2 { driver.queues[2].offer([.readable(0x8_0000, 10)]) }
    driver.kick(2)
    driver.expectFault(.malformedRequest)
    try start([])
    driver.queues[4].offer([.writable(0x8_0000, 4096)])
    driver.kick(4)
    driver.expectFault(.malformedRequest)
  }
}
