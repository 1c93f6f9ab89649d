import Devices
import Testing

@Suite("UART registers, as a driver sees them")
struct UART16550RegisterTests {
  let bench: SerialBench
  init() throws { bench = try SerialBench() }

  /// The register accesses that Linux' 8250 driver makes to find out what it has before it.
  @Test func isNamedA16550ABySteps() {
    // There is a UART: the low bits of IER can be written, the high ones read as zero.
    bench.write(.interruptEnable, 0)
    #expect(bench.read(.interruptEnable) == 0)
    bench.write(.interruptEnable, 0x0f)
    #expect(bench.read(.interruptEnable) == 0x0f)
    bench.write(.interruptEnable, 0)

    // Loopback brings OUT2 and RTS back as carrier and clear-to-send.
    bench.write(.modemControl, 0x10 | 0x08 | 0x02)
    #expect(bench.read(.modemStatus) & 0xf0 == 0x80 | 0x10)
    bench.write(.modemControl, 0)

    // FIFOs that are not broken: an original 16550 would show 0b10.
    bench.write(.lineControl, 0)
    bench.write(.fifoControl, 0x01)
    #expect(bench.read(.interruptIdentification) >> 6 == 0b11)

    // No extended features register of a 16650 at 2, with either key in LCR.
    for key: UInt8 in [0x80, 0xbf] {
      bench.write(.lineControl, key)
      #expect(bench.read(.interruptIdentification) != 0)
    }
    // No 64-byte FIFO of a 16750, which bit 5 would show.
    for key: UInt8 in [0x00, 0x80] {
      bench.write(.lineControl, key)
      bench.write(.fifoControl, 0x21)
      #expect(bench.read(.interruptIdentification) >> 5 == 0b110)
    }
    // No UART of a PXA, whose IER has a unit-enable bit.
    bench.write(.lineControl, 0)
    bench.write(.interruptEnable, 0x40)
    #expect(bench.read(.interruptEnable) == 0)

    // The size of the FIFO, by filling it in loopback: 16, however much is written.
    bench.write(.fifoControl, 0x07)
    bench.write(.modemControl, 0x10)
    for byte in UInt8(0)...255 { bench.write(.data, byte) }
    #expect(bench.readAll() == Array(0..<16))
    #expect(bench.peer.sent.isEmpty)
  }

  /// Drivers ask whether the transmitter-empty interrupt comes again when it is enabled again; else they fall back to a
  /// timer.
  @Test func hasNoTransmitterBugs() {
    for _ in 0..<2 {
      bench.write(.interruptEnable, 0x02)
      #expect(bench.source == 0x02)
      bench.write(.interruptEnable, 0)
    }
  }

  @Test func startsQuiet() throws {
    let bench = try SerialBench(listens: false)
    #expect(bench.read(.interruptEnable) == 0)
    #expect(bench.read(.interruptIdentification) == 0x01)
    #expect(bench.read(.lineControl) == 0)
    #expect(bench.read(.modemControl) == 0)
    #expect(bench.read(.lineStatus) == 0x60)
    #expect(bench.read(.modemStatus) == 0xb0)
    #expect(bench.pulses == 0)
  }

  @Test func keepsScratchAndLineControl() {
    for value in UInt8(0)...255 {
      bench.write(.scratch, value)
      bench.write(.lineControl, value)
      #expect(bench.read(.scratch) == value)
      #expect(bench.read(.lineControl) == value)
    }
  }

  @Test func divisorHidesDataAndInterruptEnable() {
    bench.receive([0x55])
    bench.write(.interruptEnable, 0x05)
    bench.write(.lineControl, 0x83)
    #expect((bench.read(.data), bench.read(.interruptEnable)) == (12, 0))
    bench.write(.data, 0x34)
    bench.write(.interruptEnable, 0x12)
    #expect((bench.read(.data), bench.read(.interruptEnable)) == (0x34, 0x12))
    bench.write(.lineControl, 0x03)
    #expect((bench.read(.data), bench.read(.interruptEnable)) == (0x55, 0x05))
    #expect(bench.peer.sent.isEmpty)
  }

  @Test func wideAccessesReachNeighbours() {
    bench.uart.write(offset: 3, size: 1, value: 0x80)
    bench.uart.write(offset: 0, size: 2, value: 0x0201)
    #expect(bench.uart.read(offset: 0, size: 4) == 0x8001_0201)
    // Past the end nothing answers.
    bench.uart.write(offset: 7, size: 2, value: 0xaa5a)
    #expect(bench.uart.read(offset: 7, size: 2) == 0xff5a)
  }

  @Test func statusRegistersCannotBeWritten() {
    bench.write(.lineStatus, 0xff)
    bench.write(.modemStatus, 0xff)
    #expect(bench.read(.lineStatus) == 0x60)
    #expect(bench.read(.modemStatus) == 0xb0)
  }

  @Test func loopbackWithoutFIFOsKeepsTheNewestByte() {
    bench.write(.modemControl, 0x10)
    bench.write(.data, 1)
    #expect(bench.read(.lineStatus) == 0x61)
    bench.write(.data, 2)
    #expect(bench.read(.lineStatus) == 0x63)
    #expect(bench.read(.lineStatus) == 0x61, "reading clears the overrun")
    #expect(bench.read(.data) == 2)
    #expect(bench.read(.lineStatus) == 0x60)
  }

  @Test func loopbackBringsOutputsToInputs() {
    bench.write(.modemControl, 0x10)
    for outputs in UInt8(0)..<16 {
      bench.write(.modemControl, 0x10 | outputs)
      let expected = (outputs & 1) << 5 | (outputs & 2) << 3 | (outputs & 4) << 4 | (outputs & 8) << 4
      #expect(bench.read(.modemStatus) & 0xf0 == expected)
    }
  }

  @Test func modemStatusRemembersChangesUntilRead() {
    bench.write(.modemControl, 0x10)  // From a peer that is there to nothing: three lines fall.
    #expect(bench.read(.modemStatus) == 0x0b)
    #expect(bench.read(.modemStatus) == 0x00)
    bench.write(.modemControl, 0x14)  // The ring indicator's rise is no event, its end is.
    #expect(bench.read(.modemStatus) == 0x40)
    bench.write(.modemControl, 0x10)
    #expect(bench.read(.modemStatus) == 0x04)
    bench.write(.modemControl, 0x12)
    bench.write(.modemControl, 0x10)
    #expect(bench.read(.modemStatus) == 0x01, "there and back is a change as well")
  }

  @Test func changingTheFIFOModeEmptiesTheReceiver() {
    bench.write(.fifoControl, 0x01)
    bench.receive([1, 2, 3])
    bench.write(.fifoControl, 0x01)
    #expect(bench.read(.lineStatus) & 0x01 == 1, "the same mode again changes nothing")
    bench.write(.fifoControl, 0x02)
    #expect(bench.read(.lineStatus) & 0x01 == 0)
    #expect(bench.read(.interruptIdentification) == 0x01)
    bench.receive([4])
    bench.write(.fifoControl, 0x02)
    #expect(bench.read(.data) == 4, "without the enabling bit the clearing bits count for nothing")
  }
}
