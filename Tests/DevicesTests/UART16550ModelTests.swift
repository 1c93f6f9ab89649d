import Devices
import Testing

/// A UART that is written down as naively as it can be: arrays, and every answer worked out from them when it is asked
/// for.
private struct NaiveUART {
  var ier = 0, lcr = 0, mcr = 0, scr = 0, divisor = 12
  var fifos = false, trigger = 1
  var rx: [UInt8] = [], tx: [UInt8] = []
  var overrun = false, thre = false, changes = 0
  var sent: [UInt8] = []
  var looks = 0

  var listens: Bool { !loop && (mcr & 2 != 0 || mcr & 1 == 0 && (ier & 1 != 0 || looks >= 16)) }
  var loop: Bool { mcr & 0x10 != 0 }
  var room: Int { fifos ? 16 : 1 }
  var inputs: Int {
    guard loop else { return 0xb0 }
    return (mcr & 1 != 0 ? 0x20 : 0) + (mcr & 2 != 0 ? 0x10 : 0) + (mcr & 4 != 0 ? 0x40 : 0) + (mcr & 8 != 0 ? 0x80 : 0)
  }

  var pending: [UInt8] {
    var all: [UInt8] = []
    if ier & 4 != 0, overrun { all.append(6) }
    if ier & 1 != 0, rx.count >= (fifos ? trigger : 1) { all.append(4) }
    if ier & 1 != 0, fifos, !rx.isEmpty, rx.count < trigger { all.append(12) }
    if ier & 2 != 0, thre { all.append(2) }
    if ier & 8 != 0, changes != 0 { all.append(0) }
    return all
  }

  mutating func read(_ register: UInt64) -> UInt8 {
    switch (register, lcr & 0x80 != 0) {
    case (0, true): return UInt8(divisor & 0xff)
    case (1, true): return UInt8(divisor >> 8)
    case (0, _): return rx.isEmpty ? 0 : rx.removeFirst()
    case (1, _): return UInt8(ier)
    case (2, _):
      let first = pending.first ?? 1
      if first == 2 { thre = false }
      return first + (fifos ? 0xc0 : 0)
    case (3, _): return UInt8(lcr)
    case (4, _): return UInt8(mcr)
    case (5, _):
      if !listens { looks += 1 }
      defer { overrun = false }
      return (rx.isEmpty ? 0 : 1) + (overrun ? 2 : 0) + (tx.isEmpty ? 0x60 : 0)
    case (6, _):
      defer { changes = 0 }
      return UInt8(inputs + changes)
    default: return UInt8(scr)
    }
  }

  mutating func write(_ register: UInt64, _ value: UInt8, peerRoom: inout Int) {
    let bits = Int(value)
    if register == 0, lcr & 0x80 == 0, !listens { looks = 0 }
    switch (register, lcr & 0x80 != 0) {
    case (0, true): divisor = divisor & 0xff00 + bits
    case (1, true): divisor = divisor & 0xff + bits << 8
    case (0, _) where loop:
      thre = true
      if rx.count < room { rx.append(value) } else {
        overrun = true
        if !fifos { rx = [value] }
      }
    case (0, _):
      drain(&peerRoom)
      if tx.count == room { return }  // This model's peer never waits.
      tx.append(value)
      thre = false
      drain(&peerRoom)
    case (1, _):
      if bits & 2 > ier & 2, tx.isEmpty { thre = true }
      ier = bits & 0xf
    case (2, _):
      let on = bits & 1 != 0
      if on != fifos || on && bits & 2 != 0 { rx = [] }
      if on != fifos || on && bits & 4 != 0 {
        thre = thre || !tx.isEmpty
        tx = []
      }
      fifos = on
      trigger = [1, 4, 8, 14][bits >> 6]
    case (3, _): lcr = bits
    case (4, _):
      let before = inputs
      mcr = bits & 0x1f
      changes |= (before ^ inputs) >> 4 & 0xb
      if before & 0x40 > inputs & 0x40 { changes |= 4 }
    case (7, _): scr = bits
    default: break
    }
  }

  mutating func drain(_ peerRoom: inout Int) {
    while peerRoom > 0, !tx.isEmpty {
      peerRoom -= 1
      sent.append(tx.removeFirst())
      thre = thre || tx.isEmpty
    }
  }
}

@Suite("UART against a naive model")
struct UART16550ModelTests {
  @Test(arguments: 0..<20) func agrees(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let bench = try SerialBench(listens: false)
    var model = NaiveUART()
    var peerRoom = 0
    bench.peer.setRoom(peerRoom)
    for step in 0..<4000 {
      let wasPending = !model.pending.isEmpty
      var arrived = false
      switch Int.random(in: 0..<10, using: &random) {
      case 0:
        peerRoom = Int.random(in: 0..<12, using: &random)
        bench.peer.setRoom(peerRoom)
        bench.uart.transmitterHasRoom()
        model.drain(&peerRoom)
      case 1, 2:
        let bytes = (0..<Int.random(in: 0..<20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let taken = bench.receive(bytes)
        let room = model.listens ? model.room - model.rx.count : 0
        #expect(taken == min(room, bytes.count))
        model.rx += bytes.prefix(taken)
        arrived = taken > 0
      case 3...5:
        // Data most often; the mode registers rarely, so that states last; the divisor's key most rarely.
        let register: UInt64 = [0, 0, 0, 0, 1, 1, 2, 4, 5, 7].randomElement(using: &random)!
        let value = UInt8.random(in: 0...255, using: &random)
        bench.uart.write(offset: register, size: 1, value: UInt64(value))
        model.write(register, value, peerRoom: &peerRoom)
      case 6 where Int.random(in: 0..<4, using: &random) == 0:
        let value: UInt8 = Int.random(in: 0..<4, using: &random) == 0 ? 0x83 : 0x03
        bench.write(.lineControl, value)
        model.write(3, value, peerRoom: &peerRoom)
      default:
        let register = UInt64.random(in: 0..<8, using: &random)
        let value = UInt8(bench.uart.read(offset: register, size: 1))
        #expect(value == model.read(register), "register \(register) at step \(step)")
      }
      let pulses = bench.pulses
      let isPending = !model.pending.isEmpty
      if isPending, !wasPending || arrived { #expect(pulses > 0, "an edge is missing at step \(step)") }
      if !isPending { #expect(pulses == 0, "a pulse for nothing at step \(step)") }
    }
    #expect(bench.peer.sent == model.sent)
  }
}
