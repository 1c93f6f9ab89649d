import Glibc
import Host
import Synchronization
import Testing

@testable import Virtio

@Suite("Console")
struct ConsoleTests {
  private let host: Host
  private let line: ConsoleLine
  private let driver: MockDriver

  init() throws {
    host = Host()
    line = try ConsoleLine(host)
    driver = try MockDriver(Console(line, settlingTime: 0))
  }

  /// Who listens to the guest, and how much it takes.
  private final class Host: ConsolePeer {
    struct State {
      var said: [UInt8] = []
      var room = Int.max
      var lost = 0
      var letsGo = false
      var roomCount = 0
    }
    let state = Mutex(State())
    let patience: UInt64 = 50_000_000

    func transmit(_ bytes: Span<UInt8>) -> Int {
      state.withLock { state in
        let count = min(bytes.count, state.room)
        for index in 0..<count { state.said.append(bytes[index]) }
        state.room -= count
        guard state.letsGo else { return count }
        state.lost += bytes.count - count
        return bytes.count
      }
    }

    func transmitAtOnce(_ byte: UInt8) {
      let bytes: InlineArray<1, UInt8> = [byte]
      if transmit(bytes.span) == 0 { state.withLock { $0.lost += 1 } }
    }

    func receiverHasRoom() { state.withLock { $0.roomCount += 1 } }

    var said: [UInt8] { state.withLock { $0.said } }
    func setRoom(_ room: Int) { state.withLock { $0.room = room } }
  }

  private let receive = 0
  private let transmit = 1
  private let all = Features.common.union([.consoleSize, .consoleEmergencyWrite])

  private func type(_ text: [UInt8]) -> Int { line.receive(text.span) }

  // MARK: From the guest

  @Test func saysWhatTheDriverSends() throws {
    try driver.start(all)
    driver.put(Array("Hello, ".utf8), at: 0x8000)
    driver.put(Array("host\n".utf8), at: 0x9000)
    driver.queues[transmit].offer([.readable(0x8000, 7), .readable(0x9000, 5)])
    #expect(driver.kick(transmit))
    #expect(host.said == Array("Hello, host\n".utf8))
    #expect(driver.queues[transmit].takeUsed()?.written == 0)
    #expect(driver.takeInterrupt() == 1)
  }

  /// 300,000 bytes in one buffer, more than goes through at once, at the end of memory.
  @Test func aGiganticBufferIsSaidPieceByPiece() throws {
    try driver.start(all)
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    driver.put(bytes, at: (4 << 20) - 300_000)
    driver.queues[transmit].offer([.readable((4 << 20) - 300_000, 300_000)])
    driver.kick(transmit)
    for _ in 0..<20 { driver.pump() }
    #expect(host.said == bytes)
    #expect(driver.queues[transmit].takeUsed() != nil)
  }

  @Test func whatTheHostRefusesWaitsInItsOrder() throws {
    host.setRoom(5)
    try driver.start(all)
    driver.put(Array("abcdefgh".utf8), at: 0x8000)
    driver.queues[transmit].offer([.readable(0x8000, 4)])
    driver.queues[transmit].offer([.readable(0x8004, 4)])
    driver.kick(transmit)
    #expect(host.said == Array("abcde".utf8))
    #expect(driver.queues[transmit].takeUsed() != nil)
    #expect(driver.queues[transmit].takeUsed() == nil, "half of it waits")
    host.setRoom(.max)
    line.transmitterHasRoom()
    driver.pump()
    #expect(host.said == Array("abcdefgh".utf8))
    #expect(driver.queues[transmit].takeUsed() != nil)
  }

  /// The device asks again by itself: a driver that spins must not do so for ever.
  @Test func aHostThatTakesNothingIsAskedWhetherItLetsGo() throws {
    host.setRoom(0)
    try driver.start(all)
    driver.queues[transmit].offer([.readable(0x8000, 4)])
    driver.kick(transmit)
    #expect(driver.queues[transmit].takeUsed() == nil)
    host.state.withLock { $0.letsGo = true }
    let start = Instant.now
    while driver.queues[transmit].usedIndex == 0, Instant.now.nanoseconds(since: start) < 20_000_000_000 {
      usleep(5000)
      driver.pump()
    }
    #expect(driver.queues[transmit].takeUsed() != nil)
    #expect(host.state.withLock { $0.lost } == 4)
  }

  @Test func writableBufferIsRefused() throws {
    try driver.start(all)
    driver.queues[transmit].offer([.readable(0x8000, 4), .writable(0x9000, 4)])
    driver.kick(transmit)
    driver.expectFault(.malformedRequest)
    #expect(host.said.isEmpty)
  }

  @Test func anEmergencyWriteNeedsNoDriver() {
    for byte in "dead".utf8 { driver.writeConfiguration(8, UInt32(byte)) }
    driver.writeConfiguration(0, UInt32(7))
    #expect(host.said == Array("dead".utf8))
    host.setRoom(0)
    driver.writeConfiguration(8, UInt32(1))
    #expect(host.state.withLock { $0.lost } == 1)
  }

  // MARK: To the guest

  @Test func nothingIsTakenBeforeThereIsABuffer() throws {
    #expect(type([1, 2, 3]) == 0, "there is no driver")
    try driver.start(all)
    #expect(type([1, 2, 3]) == 0, "it has no buffer")
    #expect(host.state.withLock { $0.roomCount } == 0)
    driver.queues[receive].offer([.writable(0x8000, 2), .writable(0x9000, 30)])
    driver.kick(receive)
    #expect(host.state.withLock { $0.roomCount } == 1, "the host is told, once")
    #expect(type([1, 2, 3]) == 3)
    #expect(type([4]) == 1, "as long as the buffer is not full")
    driver.pump()
    #expect(driver.queues[receive].takeUsed()?.written == 4)
    #expect(driver.bytes(0x8000, 3) == [1, 2, 0])
    #expect(driver.bytes(0x9000, 3) == [3, 4, 0])
    #expect(driver.takeInterrupt() == 1)
    #expect(type([5]) == 0, "that was the only buffer")
  }

  @Test func onlyWhatFitsIsTaken() throws {
    try driver.start(all)
    for index in 0..<8 as Range<UInt64> { driver.queues[receive].offer([.writable(0x8000 + 16 * index, 10)]) }
    driver.kick(receive)
    var text = (0..<75).map { UInt8($0) }
    var got: [UInt8] = []
    while !text.isEmpty {
      let count = type(text)
      #expect(count == min(10, text.count))
      if count == 0 { break }
      text.removeFirst(count)
      driver.pump()
      let answer = try #require(driver.queues[receive].takeUsed())
      #expect(answer.written == UInt32(count))
      got += driver.bytes(0x8000 + 16 * UInt64(got.count / 10), count)
    }
    #expect(got == (0..<75).map { UInt8($0) })
    #expect(host.state.withLock { $0.roomCount } == 7)
  }

  @Test func whatWasTakenOutlivesAReset() throws {
    try driver.start(all)
    driver.queues[receive].offer([.writable(0x8000, 16)])
    driver.kick(receive)
    #expect(type([1, 2, 3]) == 3)
    driver.write(.status, 0)
    #expect(type([4]) == 0)
    driver.pump()
    #expect(driver.bytes(0x8000, 3) == [0, 0, 0], "the old driver's memory is its own again")
    try driver.start(all)
    driver.queues[receive].offer([.writable(0x9000, 2)])
    driver.queues[receive].offer([.writable(0xa000, 16)])
    driver.kick(receive)
    #expect(driver.queues[receive].takeUsed()?.written == 2)
    #expect(driver.queues[receive].takeUsed()?.written == 1)
    #expect(driver.bytes(0x9000, 2) + driver.bytes(0xa000, 1) == [1, 2, 3])
  }

  @Test(arguments: [0, 1]) func aQueueThatWasResetComesBack(queue: Int) throws {
    try driver.start(all)
    driver.queues[receive].offer([.writable(0x8000, 16)])
    driver.kick(receive)
    driver.write(.queueSel, UInt32(queue))
    driver.write(.queueReset, 1)
    #expect(type([1]) == (queue == receive ? 0 : 1))
    driver.pump()
    #expect(driver.bytes(0x8000, 1) == [queue == receive ? 0 : 1])
    driver.addQueue(queue, size: 8, features: all)
    driver.pump()
    driver.queues[receive].offer([.writable(0x9000, 16)])
    driver.kick(receive)
    #expect(type([7]) == 1)
    driver.pump()
    #expect(driver.bytes(0x9000, 1) == [7])
    driver.put([9], at: 0xa000)
    driver.queues[transmit].offer([.readable(0xa000, 1)])
    driver.kick(transmit)
    #expect(host.said == [9])
  }

  /// As Linux has it: buffers first, then the log, then it listens.
  @Test func nothingIsTypedUntilANewDriverIsSilent() throws {
    let driver = try MockDriver(Console(line, settlingTime: 30_000_000))
    try driver.start(all)
    driver.queues[receive].offer([.writable(0x8000, 16)])
    driver.kick(receive)
    for _ in 0..<10 {
      let start = Instant.now
      driver.queues[transmit].offer([.readable(0x9000, 1)])
      driver.kick(transmit)
      #expect(driver.queues[transmit].takeUsed() != nil)
      usleep(5000)
      driver.pump()
      // Where this thread was kept from running for so long, nothing is said.
      let count = type([1])
      if Instant.now.nanoseconds(since: start) < 25_000_000 { #expect(count == 0) }
      if count > 0 { return }
    }
    let start = Instant.now
    while type([1]) == 0, Instant.now.nanoseconds(since: start) < 20_000_000_000 {
      usleep(2000)
      driver.pump()
    }
    driver.pump()
    #expect(driver.queues[receive].takeUsed()?.written == 1)
    #expect(host.state.withLock { $0.roomCount } == 1)
  }

  @Test func aDriverThatIsNeverSilentIsTypedToAllTheSame() throws {
    let driver = try MockDriver(Console(line, settlingTime: 5_000_000))
    try driver.start(all)
    driver.queues[receive].offer([.writable(0x8000, 16)])
    driver.kick(receive)
    let start = Instant.now
    while type([1]) == 0, Instant.now.nanoseconds(since: start) < 20_000_000_000 {
      driver.queues[transmit].offer([.readable(0x9000, 1)])
      driver.kick(transmit)
      #expect(driver.queues[transmit].takeUsed() != nil)
    }
    driver.pump()
    #expect(driver.queues[receive].takeUsed()?.written == 1)
  }

  @Test func readableBufferForInputIsRefused() throws {
    try driver.start(all)
    driver.queues[receive].offer([.readable(0x8000, 4), .writable(0x9000, 4)])
    driver.kick(receive)
    driver.expectFault(.malformedRequest)
    #expect(type([1]) == 0)
  }

  // MARK: The window

  @Test func theDriverHearsOfTheWindow() throws {
    line.size = TerminalSize(columns: 80, rows: 24)
    #expect(driver.readConfiguration(0, as: UInt32.self) == 24 << 16 | 80)
    #expect(driver.readConfiguration(4, as: UInt32.self) == 1, "ports")
    try driver.start(all)
    _ = driver.takeInterrupt()
    let generation = driver.read(.configGeneration)
    line.size = TerminalSize(columns: 132, rows: 43)
    driver.pump()
    #expect(driver.takeInterrupt() == 2)
    #expect(driver.read(.configGeneration) != generation)
    #expect(driver.readConfiguration(0, as: UInt16.self) == 132)
    #expect(driver.readConfiguration(2, as: UInt16.self) == 43)
    line.size = TerminalSize(columns: 132, rows: 43)
    driver.pump()
    #expect(driver.takeInterrupt() == 0, "nothing has changed")
  }

  @Test func aDriverThatDoesNotCareForTheWindowIsLeftAlone() throws {
    try driver.start(.common)
    line.size = TerminalSize(columns: 132, rows: 43)
    driver.pump()
    #expect(driver.takeInterrupt() == 0)
  }
}
