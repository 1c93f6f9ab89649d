import GuestMemory
import Testing
import Virtio

/// Both rings at work: order, wrap-around, and who wakes whom.
@Suite("Rings")
struct RingTests {
  let memory: GuestMemory
  init() throws { memory = try GuestMemory(bytes: 1 << 20) }

  private func pair(_ size: UInt16, _ features: Features) throws -> (DriverQueue, Virtqueue) {
    let driver = DriverQueue(size: size, at: 0x1000, in: memory)
    driver.features = features
    let device = Virtqueue(maximumSize: size, in: memory)
    try device.start(QueueLayout(driver), features: features)
    return (driver, device)
  }

  /// Driver and device in random steps, often enough for the indices to wrap. The model: what was offered comes out
  /// once, in order; what is used comes back with its length; and neither side sleeps while the other waits for it.
  @Test(arguments: [1, 2, 4] as [UInt16], [Features.version1, .common])
  func randomSteps(size: UInt16, features: Features) throws {
    let (driver, device) = try pair(size, features)
    var random = SeededRandom(seed: UInt64(size))
    var chain = DescriptorChain(in: memory)
    var offered: [UInt16] = []
    var taken: [DescriptorChain] = []
    var used: [(head: UInt16, written: UInt32)] = []
    var hidden = 0
    var published: UInt16 = 0
    var deviceSleeps = true
    var driverSleeps = false
    var answers = 0

    while answers < (size == 4 ? 70_000 : 5000) {
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        // The driver offers what it can, and shows it.
        let count = Int.random(in: 0...driver.freeCount, using: &random)
        for _ in 0..<count { offered.append(driver.offer([.writable(0x8000, 64)])) }
        let notifies = driver.announce()
        if deviceSleeps, count > 0 { check(notifies) }
        if notifies { deviceSleeps = false }
      case 1:
        // The device takes some; when it finds nothing it sleeps.
        for _ in 0..<Int.random(in: 1...Int(size) + 1, using: &random) {
          guard try device.next(into: &chain) else {
            deviceSleeps = true
            check(offered.isEmpty, "nothing that was shown is left behind")
            break
          }
          check(chain.head == offered.removeFirst())
          taken.append(chain)
        }
      case 2:
        // The device gives some back, in any order, and shows them.
        for _ in 0..<Int.random(in: 0...taken.count, using: &random) {
          let one = taken.remove(at: Int.random(in: 0..<taken.count, using: &random))
          let written = UInt64.random(in: 0...64, using: &random)
          try device.use(one, written: written)
          used.append((one.head, UInt32(written)))
          hidden += 1
        }
        check(driver.usedIndex == published, "nothing is seen before it is shown")
        let interrupts = try device.publish()
        published &+= UInt16(hidden)
        check(driver.usedIndex == published)
        if driverSleeps, hidden > 0 { check(interrupts) }
        if hidden == 0 { check(!interrupts) }
        hidden = 0
        if interrupts { driverSleeps = false }
      default:
        // The driver takes all answers, and asks for an interrupt with the next.
        while let answer = driver.takeUsed() {
          let expected = used.removeFirst()
          check(answer == expected)
          answers += 1
        }
        driver.usedEvent = driver.usedIndex
        driverSleeps = true
      }
    }
  }

  /// `#expect` for loops that go round a million times.
  private func check(
    _ condition: Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    if !condition { #expect(condition, comment, sourceLocation: sourceLocation) }
  }

  /// publish() against the rule of 2.7.7.2, entry by entry, around both ends of the index.
  @Test func usedEventIsObeyed() throws {
    let (driver, device) = try pair(4, .common)
    var chain = DescriptorChain(in: memory)
    var index: UInt16 = 0
    // Across the places where the index changes its sign, and where it starts again.
    for start in [0, 32_730, 65_500] as [UInt16] {
      while index != start {
        try cycle(driver, device, &chain, 1)
        index &+= 1
      }
      for batch in 1...4 as ClosedRange<UInt16> {
        for distance in 0..<8 as Range<UInt16> {
          let event = index &+ distance &- 2
          driver.usedEvent = event
          let wants = try cycle(driver, device, &chain, Int(batch))
          #expect(wants == (0..<batch).contains { index &+ $0 == event }, "\(batch) from \(index), event \(event)")
          index &+= batch
        }
      }
    }
  }

  @discardableResult
  private func cycle(
    _ driver: DriverQueue, _ device: Virtqueue, _ chain: inout DescriptorChain, _ count: Int
  ) throws -> Bool {
    for _ in 0..<count { driver.offer([.readable(0x8000, 1)]) }
    _ = driver.announce()
    for _ in 0..<count {
      check(try device.next(into: &chain))
      try device.use(chain, written: 0)
    }
    let wants = try device.publish()
    while driver.takeUsed() != nil {}
    return wants
  }

  @Test func flagsAreObeyed() throws {
    let (driver, device) = try pair(4, .version1)
    var chain = DescriptorChain(in: memory)
    #expect(try cycle(driver, device, &chain, 1))
    driver.wantsNoInterrupt = true
    #expect(try !cycle(driver, device, &chain, 2))
    driver.wantsNoInterrupt = false
    #expect(try cycle(driver, device, &chain, 1))
    #expect(try !device.publish(), "nothing new, nothing to say")
  }

  /// A device that works is left alone, one that has run dry is woken (2.7.10).
  @Test(arguments: [Features.version1, .common]) func deviceIsLeftAlone(features: Features) throws {
    let (driver, device) = try pair(4, features)
    var chain = DescriptorChain(in: memory)
    driver.offer([.readable(0x8000, 1)])
    #expect(driver.announce())
    #expect(try device.next(into: &chain))
    driver.offer([.readable(0x8000, 1)])
    #expect(!driver.announce(), "the device is awake")
    #expect(try device.next(into: &chain))
    #expect(try !device.next(into: &chain))
    driver.offer([.readable(0x8000, 1)])
    #expect(driver.announce())
  }

  @Test func aQueueStopsAndStartsAnew() throws {
    let (driver, device) = try pair(2, .common)
    var chain = DescriptorChain(in: memory)
    driver.offer([.writable(0x8000, 8)])
    _ = driver.announce()
    #expect(try device.next(into: &chain))
    device.stop()
    #expect(!device.isInUse)
    #expect(device.size == 0)
    try device.use(chain, written: 8)
    #expect(try !device.publish())
    #expect(driver.usedIndex == 0)
    // The chain is from before: it does not come back on the new queue either.
    let again = DriverQueue(size: 2, at: 0x1000, in: memory)
    try device.start(QueueLayout(again), features: .common)
    try device.use(chain, written: 8)
    #expect(try !device.publish())
    #expect(again.usedIndex == 0)
  }

  @Test func whatIsPutBackComesAgain() throws {
    let (driver, device) = try pair(4, .common)
    var chain = DescriptorChain(in: memory)
    let heads = (0..<3).map { _ in driver.offer([.writable(0x8000, 8)]) }
    _ = driver.announce()
    for head in heads {
      #expect(try device.next(into: &chain))
      #expect(chain.head == head)
    }
    #expect(try !device.next(into: &chain))
    device.putBack(2)
    driver.offer([.writable(0x8000, 8)])
    #expect(driver.announce(), "the device, which waits for more, hears of it")
    #expect(try device.next(into: &chain))
    #expect(chain.head == heads[1])
  }

  @Test func forEachEndsWithTheQueueSize() throws {
    let (driver, device) = try pair(2, .common)
    var chain = DescriptorChain(in: memory)
    driver.offer([.readable(0x8000, 1)])
    _ = driver.announce()
    var count = 0
    // A driver that offers a new chain for every one that comes back.
    let more = try device.forEachAvailable(&chain) { chain throws(VirtioFault) in
      count += 1
      try device.use(chain, written: 0)
      _ = try device.publish()
      _ = driver.takeUsed()
      driver.offer([.readable(0x8000, 1)])
      _ = driver.announce()
    }
    #expect(count == 2)
    #expect(more)
  }

  // MARK: Bad drivers

  @Test(arguments: [1, 2, 4] as [UInt16]) func indexRunsAhead(size: UInt16) throws {
    for ahead in [size + 1, size + 2, 0x7fff, 0x8000, 0xffff] {
      let (driver, device) = try pair(size, .common)
      var chain = DescriptorChain(in: memory)
      driver.setAvailableIndex(ahead)
      #expect(throws: VirtioFault.availableIndexRanAhead(ahead)) { try device.next(into: &chain) }
    }
  }

  /// As many chains under way as there are descriptors, and still one more.
  @Test func moreUnderWayThanThereAre() throws {
    let (driver, device) = try pair(2, .common)
    var chain = DescriptorChain(in: memory)
    driver.offer([.readable(0x8000, 1)])
    driver.offer([.readable(0x8000, 1)])
    _ = driver.announce()
    #expect(try device.next(into: &chain))
    #expect(try device.next(into: &chain))
    driver.setAvailableIndex(3)
    #expect(throws: VirtioFault.availableIndexRanAhead(3)) { try device.next(into: &chain) }
  }

  @Test func indexGoesBack() throws {
    let (driver, device) = try pair(4, .common)
    var chain = DescriptorChain(in: memory)
    driver.offer([.readable(0x8000, 1)])
    driver.offer([.readable(0x8000, 1)])
    _ = driver.announce()
    #expect(try device.next(into: &chain))
    #expect(try device.next(into: &chain))
    driver.setAvailableIndex(1)
    #expect(throws: VirtioFault.availableIndexRanAhead(1)) { try device.next(into: &chain) }
  }

  @Test func badLayouts() throws {
    func fault(
      size: UInt32 = 4, descriptors: UInt64 = 0x1000, available: UInt64 = 0x2000, used: UInt64 = 0x3000
    ) -> VirtioFault? {
      do throws(VirtioFault) {
        _ = try QueueLayout(
          size: size, maximum: 8, descriptors: GuestAddress(descriptors), available: GuestAddress(available),
          used: GuestAddress(used), in: memory)
        return nil
      } catch {
        return error
      }
    }
    #expect(fault() == nil)
    for size in [0, 3, 5, 16, 65536, .max] as [UInt32] { #expect(fault(size: size) == .queueSize(size)) }
    let end = memory.bytes
    for address in [0x1008, end - 48, end, .max, .max - 15, 0xc000_0000] as [UInt64] {
      #expect(fault(descriptors: address) == .queueAddress(GuestAddress(address)))
    }
    for address in [0x2001, end - 12, end, .max - 1] as [UInt64] {
      #expect(fault(available: address) == .queueAddress(GuestAddress(address)))
    }
    for address in [0x3002, end - 36, end, .max - 3] as [UInt64] {
      #expect(fault(used: address) == .queueAddress(GuestAddress(address)))
    }
    #expect(fault(descriptors: end - 64, available: end - 14, used: end - 40) == nil, "the last byte counts")
  }
}
