import Devices
import Host
import Synchronization

/// A UART with a test at every end: as the guest's driver, as the interrupt controller, as the other end of the line.
final class SerialBench: Sendable {
  let line: InterruptLine
  let peer = Peer()
  let uart: UART16550

  /// - Parameter listens: the guest requests to be sent to (RTS), as drivers do when their port is opened.
  init(listens: Bool = true) throws {
    line = try InterruptLine()
    uart = UART16550(interrupt: line, peer: peer)
    if listens { write(.modemControl, 0x02) }
  }

  enum Input: UInt64 {
    case data = 0, interruptEnable, interruptIdentification, lineControl, modemControl, lineStatus, modemStatus, scratch
  }

  enum Output: UInt64 {
    case data = 0, interruptEnable, fifoControl, lineControl, modemControl, lineStatus, modemStatus, scratch
  }

  func read(_ register: Input) -> UInt8 { UInt8(truncatingIfNeeded: uart.read(offset: register.rawValue, size: 1)) }

  func write(_ register: Output, _ value: UInt8) {
    uart.write(offset: register.rawValue, size: 1, value: UInt64(value))
  }

  /// What the interrupt identification register says, without the FIFO bits.
  var source: UInt8 { read(.interruptIdentification) & 0x0f }

  /// Pulses since the last call.
  var pulses: UInt64 { line.event.drain() }

  @discardableResult
  func receive(_ bytes: [UInt8]) -> Int { uart.receive(bytes.span) }

  func readAll() -> [UInt8] {
    var bytes: [UInt8] = []
    while read(.lineStatus) & 0x01 != 0 { bytes.append(read(.data)) }
    return bytes
  }

  final class Peer: SerialPeer {
    struct Log {
      var sent: [UInt8] = []
      /// How many more bytes it takes.
      var room = Int.max
      /// Room that each wait brings; none left means that it gives up.
      var waits: [Int] = []
      var waitsDone = 0
      var roomOffers = 0
      var dropped: [UInt8] = []
    }
    let log = Mutex(Log())

    func transmit(_ byte: UInt8) -> Bool {
      log.withLock {
        guard $0.room > 0 else { return false }
        $0.room -= 1
        $0.sent.append(byte)
        return true
      }
    }

    func waitForRoom() -> Bool {
      log.withLock {
        $0.waitsDone += 1
        guard !$0.waits.isEmpty else { return false }
        $0.room += $0.waits.removeFirst()
        return true
      }
    }

    func drop(_ byte: UInt8) { log.withLock { $0.dropped.append(byte) } }

    func receiverHasRoom() { log.withLock { $0.roomOffers += 1 } }

    var sent: [UInt8] { log.withLock { $0.sent } }
    var roomOffers: Int { log.withLock { $0.roomOffers } }
    func setRoom(_ room: Int) { log.withLock { $0.room = room } }
  }
}

/// Random numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
