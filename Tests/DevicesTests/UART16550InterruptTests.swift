import Devices
import Testing

@Suite("UART interrupts")
struct UART16550InterruptTests {
  let bench: SerialBench
  init() throws { bench = try SerialBench() }

  @Test func sourcesComeInTheOrderOfTheirPriority() {
    bench.write(.fifoControl, 0x41)  // FIFOs, four bytes trigger.
    bench.write(.modemControl, 0x10)
    for byte in UInt8(0)..<17 { bench.write(.data, byte) }  // Full, and one too many.
    bench.write(.interruptEnable, 0x0f)
    #expect(bench.pulses == 1)

    #expect(bench.source == 0b0110)
    #expect(bench.read(.lineStatus) & 0x02 != 0)
    #expect(bench.source == 0b0100)
    for _ in 0..<13 { _ = bench.read(.data) }
    #expect(bench.source == 0b1100, "three bytes are below the trigger")
    for _ in 0..<3 { _ = bench.read(.data) }
    #expect(bench.read(.interruptIdentification) == 0xc2)
    #expect(bench.read(.interruptIdentification) == 0xc0, "seen is served: the modem's turn")
    _ = bench.read(.modemStatus)
    #expect(bench.read(.interruptIdentification) == 0xc1)
  }

  @Test func onlyEnabledSourcesAreReported() {
    bench.write(.modemControl, 0x10)
    bench.write(.data, 1)
    bench.write(.data, 2)
    #expect(bench.pulses == 0)
    let expected: [(enable: UInt8, source: UInt8, pulses: UInt64)] = [
      (4, 0b0110, 1), (1, 0b0100, 0), (8, 0b0000, 0), (0, 0b0001, 0), (8, 0b0000, 1),
    ]
    for (enable, source, pulses) in expected {
      bench.write(.interruptEnable, enable)
      #expect(bench.source == source)
      #expect(
        bench.pulses == pulses, "the pin rises when the first source is enabled, and stays up until the last is not")
    }
  }

  @Test(arguments: [(0, 1), (1, 4), (2, 8), (3, 14)])
  func triggerLevels(selection: Int, level: Int) {
    bench.write(.fifoControl, UInt8(selection << 6 | 1))
    bench.write(.interruptEnable, 0x01)
    for count in 1...16 {
      bench.receive([UInt8(count)])
      #expect(bench.source == (count >= level ? 0b0100 : 0b1100))
    }
  }

  @Test func everyArrivalIsAnEdge() {
    bench.write(.fifoControl, 0x81)
    bench.write(.interruptEnable, 0x01)
    bench.receive([1])
    #expect(bench.pulses == 1)
    bench.receive([2])
    #expect(bench.pulses == 1, "an edge that got lost on its way must not silence the port for ever")
    #expect(bench.receive([]) == 0)
    #expect(bench.pulses == 0)
  }

  /// A handler that reads one byte per interrupt and looks no further gets every byte.
  @Test func simplestHandlerGetsEveryByte() {
    bench.write(.fifoControl, 0x01)
    bench.write(.interruptEnable, 0x01)
    bench.receive(Array("hello".utf8))
    var text: [UInt8] = []
    while bench.pulses > 0 { text.append(bench.read(.data)) }
    #expect(String(decoding: text, as: UTF8.self) == "hello")
  }

  /// A handler that writes one byte per interrupt, and one that also looks why it was called, send everything.
  @Test(arguments: [false, true]) func simplestSenderSendsEverything(looks: Bool) {
    var text = Array("hello".utf8)[...]
    bench.write(.interruptEnable, 0x02)
    while bench.pulses > 0 {
      if looks { #expect(bench.source == 0b0010) }
      guard let byte = text.popFirst() else { break }
      bench.write(.data, byte)
    }
    #expect(String(decoding: bench.peer.sent, as: UTF8.self) == "hello")
  }

  @Test func transmitterInterruptIsServedByLookingOrWriting() {
    bench.write(.interruptEnable, 0x02)
    #expect(bench.pulses == 1)
    #expect(bench.source == 0b0010)
    #expect(bench.source == 0b0001)
    bench.write(.interruptEnable, 0x02)
    #expect(bench.source == 0b0001, "enabled already: nothing new")
    bench.write(.data, 0x41)
    #expect(bench.pulses == 1)
    #expect(bench.source == 0b0010, "sent at once, so empty again")

    // While another source comes first, looking serves that one only.
    bench.write(.interruptEnable, 0x03)
    bench.write(.data, 0x42)
    bench.receive([0x61])
    #expect(bench.source == 0b0100)
    #expect(bench.read(.data) == 0x61)
    #expect(bench.source == 0b0010)
  }

  @Test func oneInterruptPerSourceWithoutLoop() {
    bench.write(.interruptEnable, 0x03)
    #expect(bench.source == 0b0010)
    bench.write(.data, 0x41)
    bench.receive([0x61])
    _ = bench.pulses
    // The handler serves what it is told and returns.
    #expect(bench.source == 0b0100)
    _ = bench.read(.data)
    #expect(bench.pulses == 1, "the transmitter is still waiting")
    #expect(bench.source == 0b0010)
    #expect(bench.pulses == 0)
  }

  @Test func modemChangesInterrupt() {
    bench.write(.interruptEnable, 0x08)
    bench.write(.modemControl, 0x10)
    #expect(bench.pulses == 1)
    #expect(bench.source == 0b0000)
    _ = bench.read(.modemStatus)
    #expect(bench.source == 0b0001)
    #expect(bench.pulses == 0)
  }

  @Test func disablingAndEnablingIsAnEdge() {
    bench.write(.interruptEnable, 0x01)
    bench.receive([1])
    #expect(bench.pulses == 1)
    bench.write(.interruptEnable, 0x00)
    #expect(bench.source == 0b0001)
    bench.write(.interruptEnable, 0x01)
    #expect(bench.pulses == 1)
    #expect(bench.source == 0b0100)
  }
}
