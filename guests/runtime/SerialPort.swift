import Hardware

/// COM1, a 16550A (National Semiconductor PC16550D data sheet; register names from there).
enum SerialPort {
  static let base: UInt16 = 0x3f8
  /// The scratch register: holds a byte and does nothing.
  static let scratchPort = base + 7

  private static let dataPort = base  // RBR and THR; divisor latch, low byte
  private static let interruptEnablePort = base + 1  // IER; divisor latch, high byte
  private static let fifoControlPort = base + 2
  private static let lineControlPort = base + 3
  private static let modemControlPort = base + 4
  private static let lineStatusPort = base + 5

  private enum LineStatus {
    static let dataReady: UInt8 = 1 << 0
    static let overrun: UInt8 = 1 << 1
    static let transmitterEmpty: UInt8 = 1 << 5  // THRE
  }

  /// Bytes that the transmit FIFO surely still takes. The line status register says only whether it is
  /// empty, so it is asked once for sixteen bytes instead of once for each: an access to a port is the
  /// dearest thing a guest does.
  // SAFETY: one processor prints at a time; see `write`.
  nonisolated(unsafe) private static var transmitRoom = 0

  /// 115200 baud, 8N1, empty FIFOs that interrupt at 14 received bytes, interrupts off.
  static func configure() {
    outb(interruptEnablePort, 0)
    outb(lineControlPort, 0x80)  // divisor latch
    outb(dataPort, 1)
    outb(interruptEnablePort, 0)
    outb(lineControlPort, 0x03)
    outb(fifoControlPort, 0xc7)
    outb(modemControlPort, 0x0b)  // DTR, RTS, and OUT2, which lets interrupts out of the chip on a PC
  }

  static func write(_ byte: UInt8) {
    // SAFETY: one processor prints at a time, and no interrupt handler prints while other code does.
    if unsafe transmitRoom == 0 {
      while inb(lineStatusPort) & LineStatus.transmitterEmpty == 0 { pause_cpu() }
      unsafe transmitRoom = 16
    }
    unsafe transmitRoom -= 1
    outb(dataPort, byte)
  }

  static func write(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { write(text.byte(at: index)) }
  }

  /// Lets received data interrupt: 14 bytes in the FIFO, or fewer that have waited for four characters'
  /// time.
  static func enableReceiveInterrupt() { outb(interruptEnablePort, 0x01) }

  enum Reception {
    case byte(UInt8)
    /// Data came while the FIFO was full; something is gone.
    case overrun
    case nothing
  }

  /// Takes the next received byte. An overrun is told once, before the byte that the FIFO holds next.
  static func receive() -> Reception {
    let status = inb(lineStatusPort)
    if status & LineStatus.overrun != 0 { return .overrun }  // reading the register cleared it
    return status & LineStatus.dataReady != 0 ? .byte(inb(dataPort)) : .nothing
  }
}
