import Devices
import Synchronization
import Testing

@Suite("Bus")
struct BusTests {
  /// Answers every read with its own number and remembers the last access.
  private final class Probe: BusDevice {
    struct Access: Equatable { var offset: UInt64, size: Int, value: UInt64 }
    let number: UInt64
    let last = Mutex<Access?>(nil)
    init(_ number: UInt64) { self.number = number }

    func read(offset: UInt64, size: Int) -> UInt64 {
      last.withLock { $0 = Access(offset: offset, size: size, value: 0) }
      return number
    }

    func write(offset: UInt64, size: Int, value: UInt64) {
      last.withLock { $0 = Access(offset: offset, size: size, value: value) }
    }
  }

  @Test func emptyBusFloats() {
    let bus = Bus([])
    for address in [0, 1, UInt64.max] { #expect(bus.read(address, size: 4) == .max) }
    bus.write(0, size: 1, value: 0)
  }

  @Test func deviceSeesOffsetSizeAndValue() {
    let probe = Probe(7)
    let bus = Bus([.init(0x100, count: 8, probe)])
    #expect(bus.read(0x104, size: 2) == 7)
    #expect(probe.last.withLock { $0 } == .init(offset: 4, size: 2, value: 0))
    bus.write(0x107, size: 4, value: 0x1234_5678)
    #expect(probe.last.withLock { $0 } == .init(offset: 7, size: 4, value: 0x1234_5678))
    probe.last.withLock { $0 = nil }
    bus.write(0xff, size: 4, value: 1)
    bus.write(0x108, size: 4, value: 1)
    #expect(probe.last.withLock { $0 } == nil, "an access belongs to whoever claims its first byte")
  }

  @Test func reachesBothEndsOfTheAddressSpace() {
    let bus = Bus([.init(.max, count: 1, Probe(2)), .init(0, count: 1, Probe(1))])
    #expect(bus.read(0, size: 1) == 1)
    #expect(bus.read(1, size: 1) == .max)
    #expect(bus.read(.max - 1, size: 1) == .max)
    #expect(bus.read(.max, size: 1) == 2)
  }

  /// Random claims, some of them neighbours, in random order: every address finds whom a search through all of them
  /// finds.
  @Test(arguments: 0..<50) func findsWhatALinearSearchFinds(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var claims: [(start: UInt64, count: UInt64, device: Probe)] = []
    var next = UInt64.random(in: 0...2, using: &random)
    while next < 200 {
      let count = UInt64.random(in: 1...9, using: &random)
      claims.append((next, count, Probe(UInt64(claims.count))))
      next += count + UInt64.random(in: 0...4, using: &random)
    }
    claims = Array(claims.prefix(Int(seed)))
    let bus = Bus(claims.shuffled(using: &random).map { Bus.Claim($0.start, count: $0.count, $0.device) })
    for address in UInt64(0)..<220 {
      let owner = claims.first { ($0.start..<$0.start + $0.count).contains(address) }
      #expect(bus.read(address, size: 1) == owner?.device.number ?? .max)
    }
  }
}
