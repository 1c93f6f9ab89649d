import Host
import Metering
import Testing

@testable import Machine

/// The console's way to the host, with hosts that behave badly.
@Suite struct ConsoleRelayTests {
  private let loop: EventLoop
  private let meter: SharedDescriptor
  private let page: MeterPage

  init() throws {
    loop = try EventLoop()
    meter = SharedDescriptor(try .memory(named: "meter"))
    let file = SharedDescriptor(try .duplicate(of: meter.number))
    page = try MeterPage(in: file, MeterShape(cpuCount: 1), memoryBytes: 0, process: 1)
  }

  /// Handles events until something stops the loop, for at most so long.
  ///
  /// - Returns: whether it was something else than the time.
  private func run(seconds: Double = 5) throws -> Bool {
    let limit = try TimerFD()
    var isOver = false
    try loop.add(limit.number, .readable) { [loop] _ in
      isOver = true
      loop.stop()
    }
    defer { loop.remove(limit.number) }
    limit.arm(at: .now.advanced(byNanoseconds: UInt64(seconds * 1e9)))
    try loop.run()
    return !isOver
  }

  @Test("What a full disk does not take is counted, and the guest goes on")
  func fullDisk() throws {
    let relay = try ConsoleRelay(.file("/dev/full"), loop: loop, meter: page)
    try relay.start {}
    for byte in "lost\n".utf8 { #expect(relay.output.transmit(byte)) }
    relay.whenDrained { [loop] in loop.stop() }
    #expect(try run())
    let counters = try MeterReading(of: meter.descriptor)?.console
    #expect(counters?[.dropped] == 5 && counters?[.output] == 0)
  }

  @Test("A panic is certain also when the console's reader takes nothing")
  func panicWithoutAReader() throws {
    let relay = try ConsoleRelay(.pseudoTerminal, loop: loop, meter: page)
    var isCertain = false
    try relay.start { [loop] in
      isCertain = true
      loop.stop()
    }
    // Nobody has the terminal open: it takes its buffer full, then the ring fills.
    while relay.output.transmit(UInt8(ascii: "\n")) {}
    #expect(try !run(seconds: 0.2))
    while relay.output.transmit(UInt8(ascii: "\n")) {}
    for line in ["Kernel panic - not syncing: x", "---[ end Kernel panic - not syncing: x ]---"] {
      for byte in ("[    1.5] " + line + "\r\n").utf8 { relay.output.drop(byte) }
    }
    #expect(try run() && isCertain)
  }
}
