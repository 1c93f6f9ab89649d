import Hardware

/// The pair of 8259A interrupt controllers of a PC (Intel 8259A data sheet).
enum PIC {
  private static let firstCommand: UInt16 = 0x20
  private static let firstData: UInt16 = 0x21
  private static let secondCommand: UInt16 = 0xa0
  private static let secondData: UInt16 = 0xa1

  /// Moves the lines away from the exceptions' vectors and masks them all.
  static func configure() {
    outb(firstCommand, 0x11)  // ICW1: edge, cascaded, ICW4 follows
    outb(firstData, UInt8(Interrupts.firstPICVector))  // ICW2
    outb(firstData, 1 << 2)  // ICW3: the second is on line 2
    outb(firstData, 0x01)  // ICW4: 8086 mode
    outb(secondCommand, 0x11)
    outb(secondData, UInt8(Interrupts.firstPICVector + 8))
    outb(secondData, 2)
    outb(secondData, 0x01)
    maskAll()
  }

  static func maskAll() {
    outb(firstData, 0xff)
    outb(secondData, 0xff)
  }

  /// Lets one of the first controller's lines in, and no other.
  static func unmaskOnly(line: Int) { outb(firstData, ~(1 << UInt8(line))) }

  /// Non-specific end of interrupt (OCW2).
  static func endInterrupt(line: Int) {
    if line >= 8 { outb(secondCommand, 0x20) }
    outb(firstCommand, 0x20)
  }
}
