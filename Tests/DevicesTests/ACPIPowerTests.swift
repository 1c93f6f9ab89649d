import Devices
import Host
import Synchronization
import Testing

@Suite("ACPI power")
struct ACPIPowerTests {
  private final class Clock: Sendable {
    let nanoseconds = Atomic<UInt64>(1_000)
    func set(_ value: UInt64) { nanoseconds.store(value, ordering: .relaxed) }
  }

  private let clock = Clock()
  private let line: InterruptLine
  private let end: EndLatch
  private let power: ACPIPower

  init() throws {
    line = try InterruptLine()
    end = try EndLatch()
    let clock = clock
    power = ACPIPower(interrupt: line, end: end) { Instant(nanoseconds: clock.nanoseconds.load(ordering: .relaxed)) }
  }

  /// What the guest gets: the bits above the access's size go nowhere.
  private func read(_ offset: UInt64, _ size: Int) -> UInt64 {
    power.read(offset: offset, size: size) & (1 << UInt64(8 * size) - 1)
  }

  @Test func buttonWaitsForAListener() {
    power.pressPowerButton()
    #expect(read(0, 2) == 0x0100)
    #expect(line.event.drain() == 0)
    power.write(offset: 2, size: 2, value: 0x0100)
    #expect(line.event.drain() == 1)
  }

  @Test func buttonInterrupts() {
    power.write(offset: 2, size: 2, value: 0x0100)
    #expect(line.event.drain() == 0)
    power.pressPowerButton()
    #expect(line.event.drain() == 1)
    power.write(offset: 0, size: 2, value: 0xfeff)
    #expect(read(0, 2) == 0x0100, "only a written 1 clears")
    #expect(line.event.drain() == 1, "still pending: another edge")
    power.write(offset: 0, size: 2, value: 0x0100)
    #expect(read(0, 2) == 0)
    #expect(line.event.drain() == 0)
    power.pressPowerButton()
    #expect(line.event.drain() == 1)
    #expect(end.requested == nil)
  }

  @Test func enableBitsStay() {
    power.write(offset: 2, size: 2, value: 0xffff)
    #expect(read(2, 2) == 0x0721)
  }

  @Test func anyWidthReachesTheSameRegisters() {
    power.pressPowerButton()
    power.write(offset: 3, size: 1, value: 0x01)
    #expect(read(0, 4) == 0x0100_0100)
    for (offset, byte): (UInt64, UInt64) in [(0, 0), (1, 1), (2, 0), (3, 1), (4, 1), (5, 0), (6, 0), (7, 0)] {
      #expect(read(offset, 1) == byte)
    }
    // Status and enable in one write: clears, and disables.
    power.write(offset: 0, size: 4, value: 0x0000_0100)
    #expect(read(0, 4) == 0)
    // A byte of enable leaves the other alone.
    power.write(offset: 2, size: 2, value: 0x0521)
    power.write(offset: 2, size: 1, value: 0x00)
    #expect(read(2, 2) == 0x0500)
  }

  @Test(arguments: 0..<8) func onlyTheOffTypePowersOff(type: UInt64) {
    power.write(offset: 4, size: 2, value: type << 10)
    #expect(end.requested == nil, "the type alone is no request")
    power.write(offset: 4, size: 2, value: type << 10 | 0x2000)
    #expect(end.requested == (type == 0 ? .powerOff : nil))
    #expect(read(4, 2) == 0x0001, "SCI_EN is set, SLP_EN reads as 0")
  }

  @Test(arguments: [(4, 2, 0x2000), (4, 4, 0x2000), (5, 1, 0x20), (2, 4, 0x2000_0000)] as [(UInt64, Int, UInt64)])
  func offByAnyWidth(offset: UInt64, size: Int, value: UInt64) {
    power.write(offset: offset, size: size, value: value)
    #expect(end.requested == .powerOff)
  }

  @Test func lowByteOfControlIsNoSleep() {
    power.write(offset: 4, size: 1, value: 0x20)
    #expect(end.requested == nil)
  }

  @Test func timerCountsAndWraps() {
    func timer() -> UInt64 { read(8, 4) }
    #expect(timer() == 0)
    clock.set(1_000 + 1_000_000_000)
    #expect(timer() == 3_579_545)
    #expect(read(9, 1) == 3_579_545 >> 8 & 0xff)
    // 2^32 ticks take 1199.864... seconds.
    clock.set(1_000 + 1_199_864_000_000)
    #expect(timer() > 0xffff_0000)
    clock.set(1_000 + 1_199_865_000_000)
    #expect(timer() < 0x1000)
    clock.set(.max)
    _ = timer()
    power.write(offset: 8, size: 4, value: 0)
    #expect(timer() != 0)
  }
}
