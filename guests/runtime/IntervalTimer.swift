import Hardware
import Synchronization

/// Channel 0 of the 8254 interval timer (Intel 8254 data sheet), through line 0 of the 8259s: the guests'
/// clock.
enum IntervalTimer {
  private static let inputHertz = 1_193_182

  private static let tickCount = Atomic<Int>(0)

  /// Ticks since `start`.
  static var ticks: Int { tickCount.load(ordering: .relaxed) }

  /// Ticks `hertz` times a second, 19 at the least, whenever the guest waits for interrupts.
  static func start(hertz: Int) {
    Interrupts.handle(Interrupts.firstPICVector) { tickCount.wrappingAdd(1, ordering: .relaxed) }
    let divisor = UInt16(inputHertz / hertz)
    outb(0x43, 0x34)  // channel 0, low byte then high byte, mode 2
    outb(0x40, UInt8(truncatingIfNeeded: divisor))
    outb(0x40, UInt8(divisor >> 8))
    PIC.unmaskOnly(line: 0)
  }

  /// No more ticks reach the guest.
  static func stop() { PIC.maskAll() }

  static func sleep(ticks count: Int) { _ = wait(ticks: count) { false } }

  /// Sleeps until `condition` holds, for `count` ticks at most; returns whether it does.
  static func wait(ticks count: Int, until condition: () -> Bool) -> Bool {
    let end = ticks + count
    Interrupts.wait { condition() || ticks >= end }
    return condition()
  }
}
