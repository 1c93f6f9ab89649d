import Glibc
import Host
import Metering
import Testing

@testable import Virtio

/// A cable whose other end the test holds. Sendable because both share the test's thread.
final class TestCable: NetworkBackend, @unchecked Sendable {
  private let event = try! EventFD()
  let offloads: Features
  private(set) var used = Features()
  private(set) var sent: [[UInt8]] = []
  private var arrived: [[UInt8]] = []
  var takesNothing = false
  private(set) var isBlocked = false
  var isLinkUp = true
  var dropsAll = false
  private(set) var flushes = 0

  init(offloads: Features = []) { self.offloads = offloads }

  var sources: [Int32] { [event.number] }

  func wantedEvents(_ source: Int, isStarved: Bool) -> EventLoop.Events {
    (isStarved ? [] : EventLoop.Events.readable).union(isBlocked ? .writable : [])
  }

  func sourceReady(_ source: Int, _ events: EventLoop.Events) {
    if events.contains(.writable) { isBlocked = takesNothing }
  }

  func use(_ offloads: Features) { used = offloads.intersection(self.offloads) }

  func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome {
    isBlocked = takesNothing
    if takesNothing { return .notNow }
    if dropsAll { return .dropped }
    // SAFETY: the bytes are copied during the call.
    sent.append(unsafe Array(packet))
    return .sent
  }

  func flush() { flushes += 1 }
  func close() { isLinkUp = false }

  /// The link comes up or goes down.
  func changeLink(to isUp: Bool) {
    isLinkUp = isUp
    event.signal()
  }

  /// A packet comes in.
  func arrive(_ frame: [UInt8], flags: UInt8 = 0, segmentation: UInt8 = 0) {
    arrived.append([flags, segmentation] + [UInt8](repeating: 0, count: 10) + frame)
    event.signal()
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    event.drain()
    guard !arrived.isEmpty else { return nil }
    let packet = arrived.removeFirst()
    // SAFETY: the buffer has room for the largest packet.
    unsafe buffer.copyBytes(from: packet)
    return packet.count
  }

  var waiting: Int { arrived.count }
}

@Suite("Network")
struct NetworkTests {
  private let mac: [UInt8] = [0x52, 0x54, 0, 1, 2, 3]
  private let merged = Features.common.union(Features(bit: 15))
  private let place: UInt64 = 0x10_0000

  private func bench(
    _ cable: TestCable = TestCable(), _ features: Features = .common, queueSize: UInt16 = 8
  ) throws -> (MockDriver, TestCable) {
    let driver = try MockDriver(Network(cable, mac: mac, mtu: 1400))
    try driver.start(features, queueSize: queueSize)
    return (driver, cable)
  }

  private func frame(_ count: Int, _ seed: Int = 1) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ seed) }
  }

  @Test func describesItself() throws {
    let (driver, _) = try bench()
    #expect(driver.offered == .common.union(Features(rawValue: 1 << 3 | 1 << 5 | 1 << 15 | 1 << 16)))
    #expect((0..<6).map { driver.readConfiguration($0, as: UInt8.self) } == mac)
    #expect(driver.readConfiguration(6, as: UInt16.self) == 1)
    #expect(driver.readConfiguration(10, as: UInt16.self) == 1400)
  }

  /// What a driver knows the MTU of it need not be able to take more of (5.1.4.1): a header, and a VLAN's tag.
  @Test func nothingIsLargerThanTheMTU() throws {
    for (isNegotiated, delivered) in [(true, [1414, 1418]), (false, [1414, 1418, 1419, 9000])] {
      let cable = TestCable()
      let driver = try MockDriver(Network(cable, mac: mac, mtu: 1400))
      try driver.start(merged.union(isNegotiated ? Features(bit: 3) : []), queueSize: 8)
      var sizes: [Int] = []
      for count in [1414, 1418, 1419, 9000] {
        driver.queues[0].offer([.writable(place, 12_000)])
        driver.kick(0)
        cable.arrive(frame(count))
        driver.pump()
        if let answer = driver.queues[0].takeUsed() { sizes.append(Int(answer.written) - 12) }
      }
      #expect(sizes == delivered)
    }
  }

  /// VIRTIO_NET_F_STATUS (5.1.4).
  @Test func linkGoesDownAndUp() throws {
    let (driver, cable) = try bench()
    for isUp in [false, true] {
      let generation = driver.read(.configGeneration)
      cable.changeLink(to: isUp)
      driver.pump()
      #expect(driver.readConfiguration(6, as: UInt16.self) == (isUp ? 1 : 0))
      #expect(driver.read(.configGeneration) != generation)
      #expect(driver.takeInterrupt() == 2)
    }
    driver.pump()
    #expect(driver.takeInterrupt() == 0, "told once")
  }

  @Test func countsExactly() throws {
    let cable = TestCable()
    let meter = try MeterPage(in: nil, MeterShape(cpuCount: 1, networkCount: 1), memoryBytes: 0, process: 1).network(0)
    let network = Network(cable, mac: mac, meter: meter)
    let driver = try MockDriver(network)
    try driver.start(.common)
    for count in [14, 60, 1000] {
      driver.queues[1].offer([.readable(place, 12 + count)])
      driver.kick(1)
    }
    #expect(meter.reading(.fromGuest) == .init(packets: 3, bytes: 1074, drops: 0))
    // 13 bytes are no frame.
    driver.queues[1].offer([.readable(place, 25)])
    driver.kick(1)
    cable.dropsAll = true
    driver.queues[1].offer([.readable(place, 112)])
    driver.kick(1)
    #expect(driver.queues[1].usedIndex == 5)
    #expect(meter.reading(.fromGuest) == .init(packets: 3, bytes: 1074, drops: 2))
    #expect(meter.reading(.toGuest) == .init())
    driver.queues[0].offer([.writable(place, 512)])
    driver.queues[0].offer([.writable(place, 512)])
    driver.kick(0)
    cable.arrive(frame(500))
    cable.arrive(frame(501))
    cable.arrive(frame(60))
    driver.pump()
    #expect(meter.reading(.toGuest) == .init(packets: 2, bytes: 560, drops: 1))
  }

  /// One notification, all that waits, one interrupt, and one flush of what the cable has kept back.
  @Test func aBatchIsSentAtOnce() throws {
    let (driver, cable) = try bench(queueSize: 64)
    let before = cable.flushes
    for _ in 0..<64 { driver.queues[1].offer([.readable(place, 112)]) }
    driver.kick(1)
    #expect(cable.sent.count == 64)
    #expect(driver.queues[1].usedIndex == 64)
    #expect(driver.line.event.drain() == 1)
    #expect(cable.flushes - before <= 2, "one more look, which finds nothing")
  }

  @Test func featuresThatDependOnOthers() throws {
    let cable = TestCable(offloads: Features(rawValue: 0b11_1011_1000_0011))
    let driver = try MockDriver(Network(cable, mac: mac))
    func agrees(_ bits: UInt64...) -> Bool { driver.negotiate(bits.reduce(.version1) { $0.union(Features(bit: $1)) }) }
    #expect(!agrees(7))
    #expect(!agrees(8))
    #expect(agrees(1, 7, 8, 9))
    #expect(!agrees(1, 9))
    #expect(!agrees(11))
    #expect(agrees(0, 11, 12, 13))
    #expect(!agrees(0, 13))
    #expect(agrees(0, 1))
    driver.add(.driverOK)
    driver.pump()
    #expect(cable.used == [Features(bit: 0), Features(bit: 1)])
  }

  @Test func sends() throws {
    let (driver, cable) = try bench()
    let data = frame(100)
    driver.put([UInt8](repeating: 0, count: 12) + data, at: place)
    for cut in [1, 11, 12, 13, 60] {
      driver.queues[1].offer([.readable(place, cut), .readable(place + UInt64(cut), 112 - cut)])
      driver.kick(1)
      #expect(driver.queues[1].takeUsed()?.written == 0)
      #expect(cable.sent.last == [UInt8](repeating: 0, count: 12) + data)
    }
    #expect(cable.sent.count == 5)
  }

  /// What the cable does not take stays with the driver until it does, in order.
  @Test func waitsForRoom() throws {
    let (driver, cable) = try bench()
    for number in 0..<3 as Range<UInt64> {
      driver.put([UInt8](repeating: 0, count: 12) + frame(50, Int(number)), at: place + 4096 * number)
      driver.queues[1].offer([.readable(place + 4096 * number, 62)])
    }
    cable.takesNothing = true
    driver.kick(1)
    #expect(driver.queues[1].takeUsed() == nil)
    cable.takesNothing = false
    // An event descriptor is always writable.
    driver.pump()
    #expect(cable.sent.map { Array($0[12...]) } == (0..<3).map { frame(50, $0) })
    #expect(driver.queues[1].usedIndex == 3)
  }

  /// 5.1.6.4.1: a driver gets no packet that it has not agreed to complete or to cut, whatever the host has, and hears
  /// of a checksum that was checked only with GUEST_CSUM.
  @Test(arguments: [
    ([], [0x00_00: 0, 0x02_00: 0, 0x04_00: 0]),
    ([1], [0x00_00: 0, 0x01_00: 1, 0x02_00: 2, 0x03_00: 3, 0x04_00: 0]),
    ([1, 7], [0x00_00: 0, 0x01_00: 1, 0x02_00: 2, 0x03_00: 3, 0x04_00: 0, 0x01_01: 1]),
    ([1, 8, 9], [0x00_00: 0, 0x01_00: 1, 0x02_00: 2, 0x03_00: 3, 0x04_00: 0, 0x01_04: 1, 0x01_84: 1]),
  ] as [([UInt64], [Int: UInt8])])
  func headersAreWhatWasAgreedOn(bits: [UInt64], taken: [Int: UInt8]) throws {
    let guest: Features = [.networkGuestChecksum, .networkGuestTSO4, .networkGuestTSO6, .networkGuestECN]
    let features = bits.reduce(Features.common) { $0.union(Features(bit: $1)) }
    let (driver, cable) = try bench(TestCable(offloads: guest), features, queueSize: 16)
    let headers = [
      0, 0x01_00, 0x02_00, 0x03_00, 0x04_00, 0x01_01, 0x01_81, 0x01_04, 0x01_84, 0x01_03, 0x01_05, 0x00_80,
    ]
    for header in headers {
      driver.queues[0].offer([.writable(place, 512)])
      driver.kick(0)
      cable.arrive(frame(60), flags: UInt8(header >> 8), segmentation: UInt8(header & 0xff))
      driver.pump()
      let used = driver.queues[0].takeUsed()
      #expect((used != nil) == (taken[header] != nil), "\(header)")
      guard used != nil else { continue }
      #expect(driver.bytes(place, 2) == [taken[header]!, UInt8(header & 0xff)], "\(header)")
    }
  }

  @Test(arguments: [false, true]) func receives(isMerged: Bool) throws {
    let (driver, cable) = try bench(TestCable(), isMerged ? merged : .common)
    driver.queues[0].offer([.writable(place, 12), .writable(place + 4096, 1000)])
    driver.kick(0)
    cable.arrive(frame(1000))
    driver.pump()
    #expect(driver.queues[0].takeUsed()?.written == 1012)
    #expect(driver.bytes(place, 12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    #expect(driver.bytes(place + 4096, 1000) == frame(1000))
    #expect(driver.takeInterrupt() == 1)
  }

  @Test func spreadsOverBuffers() throws {
    let (driver, cable) = try bench(TestCable(), merged)
    for number in 0..<3 as Range<UInt64> { driver.queues[0].offer([.writable(place + 4096 * number, 512)]) }
    driver.kick(0)
    cable.arrive(frame(1200))
    driver.pump()
    #expect((0..<3).map { _ in driver.queues[0].takeUsed()?.written } == [512, 512, 188])
    #expect(driver.bytes(place + 10, 2) == [3, 0])
    let parts = driver.bytes(place + 12, 500) + driver.bytes(place + 4096, 512) + driver.bytes(place + 8192, 188)
    #expect(parts == frame(1200))
  }

  /// Packets wait on the host until there are buffers, and none is lost or turned round.
  @Test func waitsForBuffers() throws {
    let (driver, cable) = try bench(TestCable(), merged)
    for number in 0..<5 { cable.arrive(frame(700, number)) }
    driver.pump()
    #expect(cable.waiting == 4, "one is in hand")
    var received: [[UInt8]] = []
    for _ in 0..<5 {
      // The first buffer alone is too small.
      driver.queues[0].offer([.writable(place, 512)])
      driver.kick(0)
      #expect(driver.queues[0].usedIndex == UInt16(2 * received.count))
      driver.queues[0].offer([.writable(place + 4096, 512)])
      #expect(driver.kick(0), "the device waits to hear of more")
      #expect(driver.queues[0].takeUsed()?.written == 512)
      #expect(driver.queues[0].takeUsed()?.written == 200)
      received.append(driver.bytes(place + 12, 500) + driver.bytes(place + 4096, 200))
    }
    #expect(received == (0..<5).map { frame(700, $0) })
  }

  /// More packets at once than the queue holds, and after them nothing that would wake the device.
  @Test func aBurstIsDeliveredToItsEnd() throws {
    let (driver, cable) = try bench(TestCable(), merged, queueSize: 4)
    for number in 0..<11 { cable.arrive(frame(60, number)) }
    var received: [[UInt8]] = []
    for _ in 0..<8 {
      while driver.queues[0].freeCount > 0 {
        driver.queues[0].offer([.writable(place + 4096 * UInt64(received.count), 100)])
      }
      driver.kick(0)
      while driver.queues[0].takeUsed() != nil { received.append([]) }
    }
    #expect(received.count == 11)
    #expect(cable.waiting == 0)
  }

  @Test func whatNeverFitsIsDropped() throws {
    let (driver, cable) = try bench(TestCable(), merged, queueSize: 2)
    for number in 0..<2 as Range<UInt64> { driver.queues[0].offer([.writable(place + 4096 * number, 100)]) }
    driver.kick(0)
    cable.arrive(frame(500))
    cable.arrive(frame(60, 2))
    driver.pump()
    #expect(driver.queues[0].takeUsed()?.written == 72)
    #expect(driver.bytes(place + 12, 60) == frame(60, 2))
    let (plain, other) = try bench()
    plain.queues[0].offer([.writable(place, 100)])
    plain.kick(0)
    other.arrive(frame(500))
    other.arrive(frame(60, 2))
    plain.pump()
    #expect(plain.bytes(place + 12, 60) == frame(60, 2))
  }

  // MARK: Bad drivers

  @Test func offloadsThatWereNotAgreedOn() throws {
    for (flags, segmentation) in [(1, 0), (0, 1), (0, 4), (2, 0), (0, 3), (0, 0x80)] as [(UInt8, UInt8)] {
      let (driver, cable) = try bench()
      driver.put([flags, segmentation] + [UInt8](repeating: 0, count: 70), at: place)
      driver.queues[1].offer([.readable(place, 72)])
      driver.kick(1)
      driver.expectFault(.malformedRequest)
      #expect(cable.sent.isEmpty)
    }
    let (driver, cable) = try bench(
      TestCable(offloads: [Features(bit: 0), Features(bit: 11)]), .common.union([Features(bit: 0), Features(bit: 11)]))
    driver.put([1, 1] + [UInt8](repeating: 0, count: 70), at: place)
    driver.queues[1].offer([.readable(place, 72)])
    driver.kick(1)
    #expect(cable.sent.count == 1)
  }

  @Test func requestsThatMakeNoSense() throws {
    let wrong: [(Int, [DriverQueue.Buffer])] = [
      (1, [.readable(0x10_0000, 12)]), (1, [.readable(0x10_0000, 11)]), (1, [.writable(0x10_0000, 100)]),
      (1, [.readable(0x10_0000, 100), .writable(0x20_0000, 1)]), (1, [.readable(0x10_0000, 65_563)]),
      (0, [.readable(0x10_0000, 100)]), (0, [.writable(0x10_0000, 11)]),
    ]
    for (queue, buffers) in wrong {
      let (driver, cable) = try bench()
      driver.queues[queue].offer(buffers)
      cable.arrive(frame(60))
      driver.kick(queue)
      driver.pump()
      driver.expectFault(.malformedRequest)
      #expect(cable.sent.isEmpty)
    }
  }
}
