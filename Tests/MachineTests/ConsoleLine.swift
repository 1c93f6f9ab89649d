import Devices
import Host
import Metering

@testable import Machine

/// A serial line without a guest: what a UART would say is said by the test, and what is typed is read by it.
class ConsoleLine {
  let loop: EventLoop
  let meter: SharedDescriptor
  let page: MeterPage
  let input: ConsoleInput
  private let uart: UART16550

  init() throws {
    loop = try EventLoop()
    meter = SharedDescriptor(try .memory(named: "meter"))
    let file = SharedDescriptor(try .duplicate(of: meter.number))
    page = try MeterPage(in: file, MeterShape(cpuCount: 1), memoryBytes: 0, process: 1)
    let output = try ConsoleOutput(meter: page)
    uart = UART16550(interrupt: try InterruptLine(), peer: output)
    // The guest listens (modem control: DTR and RTS), with the FIFOs on.
    uart.write(4, 0x03)
    uart.write(2, 0x01)
    input = ConsoleInput(from: nil, room: output.inputRoom, loop: loop, meter: page)
    try input.start()
    input.attach(uart)
  }

  /// Handles what is ready, until the time is over.
  func settle(milliseconds: UInt64 = 20) throws {
    let limit = try TimerFD()
    try loop.add(limit.number, .readable) { [loop] _ in loop.stop() }
    limit.arm(at: .now.advanced(byNanoseconds: milliseconds * 1_000_000))
    try loop.run()
    loop.remove(limit.number)
  }

  /// What the guest's program reads from the UART.
  func read() throws -> [UInt8] {
    var bytes: [UInt8] = []
    var idle = 0
    // Line status register, bit 0: data ready.
    while idle < 3 {
      while uart.read(5) & 1 != 0 { bytes.append(uart.read(0)) }
      let before = bytes.count
      try settle(milliseconds: 2)
      idle = bytes.count == before && uart.read(5) & 1 == 0 ? idle + 1 : 0
    }
    return bytes
  }
}
