import Devices
import Testing

@Suite("Keyboard controller")
struct I8042Tests {
  let end: EndLatch
  let controller: I8042

  init() throws {
    end = try EndLatch()
    controller = I8042(end: end)
  }

  private var status: UInt64 { controller.read(offset: 4, size: 1) }
  private func command(_ value: UInt64) { controller.write(offset: 4, size: 1, value: value) }
  private func write(_ value: UInt64) { controller.write(offset: 0, size: 1, value: value) }

  /// The answer that is in the buffer, nil when there is none.
  private func answer() -> UInt64? {
    guard status & 0x01 != 0 else { return nil }
    return controller.read(offset: 0, size: 1)
  }

  @Test func startsEmptyAndReady() {
    #expect(status == 0x14)
    #expect(answer() == nil)
  }

  @Test func onlyResetCommandsReset() throws {
    for value in UInt64(0)...255 {
      let end = try EndLatch()
      let controller = I8042(end: end)
      controller.write(offset: 4, size: 1, value: value)
      #expect(end.requested == (value >= 0xf0 && value % 2 == 0 ? .reset : nil))
      #expect(controller.read(offset: 4, size: 1) & 0x02 == 0, "whoever waits to write need not wait")
    }
  }

  @Test func outputPortHoldsA20AndReset() {
    command(0xd0)
    #expect(answer() == 0x03)
    command(0xd1)
    write(0x01)
    command(0xd0)
    #expect(answer() == 0x01)
    #expect(end.requested == nil)
    command(0xd1)
    write(0xfe)
    #expect(end.requested == .reset)
  }

  /// What Linux asks in its probe, each with its answer at once.
  @Test func answersAProbeWithoutWaiting() {
    command(0x20)
    let configuration = answer()
    #expect(configuration == 0x74)
    command(0x60)
    write(0x34)
    #expect(answer() == nil)
    command(0x20)
    #expect(answer() == 0x34)
    command(0xaa)
    #expect(answer() == 0x55)
    command(0xab)
    #expect(answer() == 0)

    // The mouse port's loop: something comes back, but not marked as the mouse's, so there is no such port.
    command(0xd3)
    write(0x5a)
    #expect(status & 0x21 == 0x01)
    #expect(answer() == 0x5a)
    command(0xa9)
    #expect(answer() == 0x01)
  }

  @Test func portsAreSwitchedInTheCommandByte() {
    for (value, expected): (UInt64, UInt64) in [(0xae, 0x64), (0xa8, 0x44), (0xad, 0x54), (0xa7, 0x74)] {
      command(value)
      command(0x20)
      #expect(answer() == expected)
    }
  }

  @Test func keyboardAndMouseTimeOut() {
    write(0xff)
    #expect(status & 0x61 == 0x41)
    #expect(answer() == 0xfe)
    #expect(status & 0x61 == 0)
    command(0xd4)
    write(0xff)
    #expect(status & 0x61 == 0x61)
    #expect(answer() == 0xfe)
    // A command that came between takes the data byte away from the first.
    command(0xd1)
    command(0x20)
    _ = answer()
    write(0x00)
    #expect(end.requested == nil)
  }

  @Test func tellsCommandsFromData() {
    command(0xae)
    #expect(status & 0x08 != 0)
    write(0xed)
    #expect(status & 0x08 == 0)
  }

  @Test func portsBetweenFloat() {
    for offset in UInt64(1)...3 { #expect(controller.read(offset: offset, size: 1) == 0xff) }
  }
}
