import Devices
import Host
import Synchronization
import Testing

@Suite("UART flow of bytes")
struct UART16550FlowTests {
  let bench: SerialBench
  init() throws { bench = try SerialBench() }

  @Test(arguments: [(0x00, 1), (0x01, 16)])
  func receiverTakesWhatItHasRoomFor(fifoControl: UInt8, capacity: Int) {
    bench.write(.fifoControl, fifoControl)
    let text = Array(UInt8(0)..<40)
    #expect(bench.receive(text) == capacity)
    #expect(bench.receive(text) == 0)
    #expect(bench.read(.lineStatus) & 0x02 == 0, "what is not taken is no overrun")

    // Room is offered once, when all has been read.
    for index in 0..<capacity {
      #expect(bench.peer.roomOffers == 0)
      #expect(bench.read(.data) == UInt8(index))
    }
    #expect(bench.peer.roomOffers == 1)
    _ = bench.read(.data)
    #expect(bench.peer.roomOffers == 1)
  }

  @Test func exactFitIsNoRefusal() {
    bench.write(.fifoControl, 0x01)
    #expect(bench.receive(Array(0..<16)) == 16)
    #expect(bench.readAll().count == 16)
    #expect(bench.peer.roomOffers == 0)
  }

  @Test func clearingTheReceiverOffersRoom() {
    bench.write(.fifoControl, 0x01)
    bench.receive(Array(0..<17))
    bench.write(.fifoControl, 0x03)
    #expect(bench.peer.roomOffers == 1)
    #expect(bench.readAll().isEmpty)
  }

  @Test(arguments: [SerialBench.Output.modemControl: 0x02 as UInt8, .interruptEnable: 0x01])
  func inputWaitsUntilTheGuestListens(register: SerialBench.Output, value: UInt8) throws {
    let bench = try SerialBench(listens: false)
    #expect(bench.receive([1, 2]) == 0)
    // What Linux does while it finds the port: none of it takes input, and none of it loses any.
    bench.write(.fifoControl, 0x07)
    for _ in 0..<4 { _ = bench.read(.lineStatus) }
    _ = bench.read(.data)
    #expect(bench.receive([1, 2]) == 0)
    #expect(bench.peer.roomOffers == 0)
    bench.write(register, value)
    #expect(bench.peer.roomOffers == 1)
    #expect(bench.receive([1, 2]) == 2)
  }

  @Test func aDriverThatKnowsModemLinesSaysWhen() throws {
    let bench = try SerialBench(listens: false)
    bench.write(.modemControl, 0x01)
    bench.write(.interruptEnable, 0x01)
    #expect(bench.receive([1]) == 0)
    bench.write(.fifoControl, 0x01)
    bench.write(.modemControl, 0x03)
    #expect(bench.peer.roomOffers == 1)
    #expect(bench.receive([1]) == 1)
  }

  @Test func aGuestThatPollsListens() throws {
    let bench = try SerialBench(listens: false)
    #expect(bench.receive([7]) == 0)
    // Looking before each byte that is sent is no polling for input.
    for _ in 0..<40 {
      _ = bench.read(.lineStatus)
      bench.write(.data, 0x41)
    }
    #expect(bench.receive([7]) == 0)
    for _ in 0..<16 { _ = bench.read(.lineStatus) }
    #expect(bench.peer.roomOffers == 1)
    #expect(bench.receive([7]) == 1)
    #expect(bench.readAll() == [7])
  }

  @Test func inputWaitsForTheEndOfLoopback() {
    bench.write(.modemControl, 0x10)
    #expect(bench.receive([1]) == 0)
    bench.write(.data, 2)
    #expect(bench.readAll() == [2])
    #expect(bench.peer.roomOffers == 0)
    bench.write(.modemControl, 0x02)
    #expect(bench.peer.roomOffers == 1)
    #expect(bench.receive([1]) == 1)
    #expect(bench.readAll() == [1])
  }

  @Test func busyPeerMakesTheTransmitterBusy() {
    bench.write(.fifoControl, 0x01)
    bench.write(.interruptEnable, 0x02)
    #expect(bench.source == 0b0010)
    _ = bench.pulses
    bench.peer.setRoom(1)
    bench.write(.data, 1)
    #expect(bench.read(.lineStatus) & 0x60 == 0x60)
    bench.write(.data, 2)
    #expect(bench.read(.lineStatus) & 0x60 == 0)
    #expect(bench.source == 0b0001)
    // A driver that saw an empty FIFO may write 16 bytes.
    for byte in UInt8(3)..<18 { bench.write(.data, byte) }
    #expect(bench.peer.log.withLock { $0.waitsDone } == 0)
    _ = bench.pulses

    bench.peer.setRoom(10)
    bench.uart.transmitterHasRoom()
    #expect(bench.read(.lineStatus) & 0x60 == 0)
    #expect(bench.pulses == 0)
    bench.peer.setRoom(6)
    bench.uart.transmitterHasRoom()
    #expect(bench.read(.lineStatus) & 0x60 == 0x60)
    #expect(bench.pulses == 1)
    #expect(bench.source == 0b0010)
    #expect(bench.peer.sent == Array(1..<18))
  }

  @Test(arguments: [(0x00, 1), (0x01, 16)])
  func overrunLetsThePeerDecide(fifoControl: UInt8, held: UInt8) {
    bench.write(.fifoControl, fifoControl)
    bench.peer.setRoom(0)
    for byte in 0..<held { bench.write(.data, byte) }
    #expect(bench.peer.log.withLock { $0.waitsDone } == 0)

    // It gives up: this byte is lost, and no other.
    bench.write(.data, 0xee)
    #expect(bench.peer.log.withLock { $0.waitsDone } == 1)
    #expect(bench.peer.log.withLock { $0.dropped } == [0xee])

    // It waits, at first without success; the order stays.
    bench.peer.log.withLock { $0.waits = [0, 2] }
    bench.write(.data, held)
    #expect(bench.peer.log.withLock { $0.waitsDone } == 3)
    #expect(bench.peer.log.withLock { $0.dropped } == [0xee])
    bench.peer.setRoom(.max)
    bench.uart.transmitterHasRoom()
    #expect(bench.peer.sent == Array(0...held))
  }

  @Test func clearingTheTransmitterDropsWhatIsHeld() {
    bench.write(.fifoControl, 0x01)
    bench.peer.setRoom(0)
    bench.write(.data, 1)
    bench.write(.fifoControl, 0x05)
    #expect(bench.read(.lineStatus) & 0x60 == 0x60)
    bench.peer.setRoom(.max)
    bench.write(.data, 2)
    #expect(bench.peer.sent == [2])
  }

  /// A vCPU's thread and the host's, each busy with both directions: nothing is lost, doubled or out of order.
  @Test func twoThreads() throws {
    let count = 4000
    let bench = bench
    bench.write(.fifoControl, 0x81)
    bench.write(.interruptEnable, 0x07)
    let stillSending = Atomic<Bool>(true)
    let taken = Atomic<Int>(0)
    let host = try Thread(named: "host") {
      var next = 0
      var rounds = 0
      while next < count || stillSending.load(ordering: .acquiring) {
        if next < count {
          let bytes = (next..<min(count, next + 7)).map { UInt8(truncatingIfNeeded: $0) }
          next += bench.receive(bytes)
          taken.store(next, ordering: .relaxed)
        }
        rounds += 1
        bench.peer.setRoom(rounds % 5)
        bench.uart.transmitterHasRoom()
      }
    }
    var received: [UInt8] = []
    var sent = 0
    while received.count < count || sent < count {
      let status = bench.read(.lineStatus)
      if status & 0x01 != 0 { received.append(bench.read(.data)) }
      if status & 0x20 != 0, sent < count {
        bench.write(.data, UInt8(truncatingIfNeeded: sent))
        sent += 1
      }
      _ = bench.read(.interruptIdentification)
    }
    while bench.read(.lineStatus) & 0x40 == 0 {}
    stillSending.store(false, ordering: .releasing)
    host.join()
    let all = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    #expect(received == all)
    #expect(bench.peer.sent == all)
  }
}
