import Hardware

/// The calling processor's local APIC in xAPIC mode (SDM volume 3, chapter 10).
enum LocalAPIC {
  static let base: UInt = 0xfee0_0000

  private enum Register: UInt {
    case id = 0x20
    case endOfInterrupt = 0xb0
    case spuriousVector = 0xf0
    case commandLow = 0x300
    case commandHigh = 0x310
    case timer = 0x320
    case lint0 = 0x350
    case initialCount = 0x380
    case currentCount = 0x390
    case divideConfiguration = 0x3e0
  }

  private static let masked: UInt32 = 1 << 16

  private static func read(_ register: Register) -> UInt32 { mmio_read32(base + register.rawValue) }
  private static func write(_ register: Register, _ value: UInt32) {
    mmio_write32(base + register.rawValue, value)
  }

  static var id: UInt8 { UInt8(read(.id) >> 24) }

  /// Switches the APIC on, with LINT0 as the way in for the 8259s (delivery mode ExtINT).
  static func enable() {
    write(.spuriousVector, 1 << 8 | UInt32(Interrupts.spuriousVector))
    write(.lint0, 0b111 << 8)
  }

  static func endInterrupt() { write(.endOfInterrupt, 0) }

  // The timer, always at a sixteenth of its clock.

  /// Counts down from the top once, without an interrupt: for measuring how fast it counts.
  static func startFreeRunningTimer() {
    write(.divideConfiguration, 0b0011)
    write(.timer, masked)
    write(.initialCount, .max)
  }

  /// Counts since `startFreeRunningTimer`.
  static var elapsedCounts: UInt32 { .max - read(.currentCount) }

  /// Interrupts with `vector` every `counts` counts.
  static func startPeriodicTimer(vector: Int, counts: UInt32) {
    write(.divideConfiguration, 0b0011)
    write(.timer, 1 << 17 | UInt32(vector))
    write(.initialCount, counts)
  }

  static func stopTimer() {
    write(.timer, masked)
    write(.initialCount, 0)
  }

  // Interprocessor interrupts (10.6).

  static func sendInit(to id: UInt8) { send(0x4500, to: id) }

  /// Starts a processor that waits after INIT, in real mode at the beginning of physical page `page`.
  static func sendStartup(page: UInt8, to id: UInt8) { send(0x4600 | UInt32(page), to: id) }

  private static func send(_ command: UInt32, to id: UInt8) {
    write(.commandHigh, UInt32(id) << 24)
    write(.commandLow, command)
    while read(.commandLow) & 1 << 12 != 0 { pause_cpu() }  // delivery status
  }
}
