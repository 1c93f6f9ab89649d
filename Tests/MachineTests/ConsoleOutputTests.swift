import Glibc
import Host
import Metering
import Testing

@testable import Machine

@Suite struct ByteRingTests {
  @Test("It is a queue, as a plain array is one")
  func model() throws {
    var random = SystemRandomNumberGenerator()
    let capacity = 4096
    var ring = try ByteRing(capacity: capacity)
    var model: [UInt8] = []
    var wrapped = 0
    for round in 0..<2000 {
      for _ in 0..<Int.random(in: 0...2000, using: &random) {
        let byte = UInt8.random(in: 0...255, using: &random)
        let isTaken = ring.append(byte)
        #expect(isTaken == (model.count < capacity))
        if isTaken { model.append(byte) }
      }
      // SAFETY: nothing is appended or removed while the front is looked at.
      let front = unsafe Array(ring.front)
      #expect(front.isEmpty == model.isEmpty && model.starts(with: front), "round \(round)")
      wrapped += front.count < model.count ? 1 : 0
      let removed = Int.random(in: 0...front.count, using: &random)
      ring.removeFirst(removed)
      model.removeFirst(removed)
      #expect(ring.count == model.count && ring.isFull == (model.count == capacity) && ring.capacity == capacity)
    }
    #expect(wrapped > 0, "it went over the end")
  }
}

/// What the guest says, between the UART and the I/O thread.
@Suite struct ConsoleOutputTests {
  private let meter: SharedDescriptor
  private let output: ConsoleOutput

  init() throws {
    meter = SharedDescriptor(try .memory(named: "meter"))
    let file = SharedDescriptor(try .duplicate(of: meter.number))
    output = try ConsoleOutput(meter: MeterPage(in: file, MeterShape(cpuCount: 1), memoryBytes: 0, process: 1))
  }

  private func counter(_ counter: ConsoleCounter) throws -> UInt64? {
    try MeterReading(of: meter.descriptor)?.console[counter]
  }

  private func wakes() -> UInt64 { output.wake.drain() }

  /// Takes at most `limit` bytes, as the host's end does.
  private func take(_ limit: Int, into bytes: inout [UInt8]) -> Bool {
    var taken: [UInt8] = []
    // SAFETY: the bytes are copied before the closure returns.
    let hasRoomAgain = unsafe output.withFront { front in
      taken = unsafe Array(front.prefix(limit))
      return (taken.count, 0)
    }
    bytes += taken
    return hasRoomAgain
  }

  @Test("A burst wakes the I/O thread once")
  func burst() throws {
    #expect(wakes() == 0)
    for byte in 0..<100 as Range<UInt8> {
      #expect(output.transmit(byte))
      #expect(wakes() == (byte == 0 ? 1 : 0))
    }
    #expect(!output.rest(), "there are bytes")
    var bytes: [UInt8] = []
    #expect(!take(1000, into: &bytes))
    #expect(bytes == Array(0..<100))
    #expect(output.rest() && output.isEmpty)
    #expect(output.transmit(1))
    #expect(wakes() == 1, "the next burst")
    #expect(try counter(.output) == 100)
  }

  @Test("A panic is seen also when nobody reads any more")
  func panicInWhatIsDropped() throws {
    while output.transmit(UInt8(ascii: "\n")) {}
    #expect(output.panic == .calm)
    let line = Array("[    1.5] Kernel panic - not syncing: out of patience\n".utf8)
    for byte in line { output.drop(byte) }
    #expect(output.panic != .calm)
    #expect(try counter(.dropped) == UInt64(line.count))
  }

  @Test("A kernel's last words count on either device, and are no less true on both")
  func panicOnTwoDevices() throws {
    let lines = ["Kernel panic - not syncing: x", "---[ end Kernel panic - not syncing: x ]---"]
    for line in lines.map({ Array("[    1.5] \($0)\n".utf8) }) {
      for byte in line { #expect(output.transmit(byte)) }
      #expect(output.transmit(line.span) == line.count)
    }
    guard case .finished = output.panic else { return #expect(Bool(false), "\(output.panic)") }
    output.forgetPanic()
    #expect(output.panic == .calm)
    let line = Array("[    1.5] \(lines[0])\n".utf8)
    _ = output.transmit(line.span)
    #expect(output.panic == .panicked(isStamped: true))
  }

  @Test("A virtio console is refused what there is no room for, and after a while it goes nowhere")
  func fullRingForVirtio() throws {
    let bytes = [UInt8](repeating: 0x2e, count: 50_000)
    #expect(output.transmit(bytes.span) == bytes.count)
    #expect(output.transmit(bytes.span) == 65_536 - bytes.count)
    #expect(output.transmit(bytes.span) == 0)
    output.transmitAtOnce(1)
    #expect(try counter(.dropped) == 1)
    usleep(UInt32(output.patience / 1000))
    #expect(output.transmit(bytes.span) == bytes.count, "nobody has read for so long")
    #expect(try counter(.dropped) == 50_001)
    var taken: [UInt8] = []
    #expect(take(100, into: &taken), "it was told that there is no room, and has to hear that there is")
    #expect(output.transmit(bytes.span) == 100, "the reader is back")
    #expect(try counter(.dropped) == 50_001)
  }

  @Test("A UART that was refused hears of room, once")
  func fullRing() throws {
    var sent: [UInt8] = []
    while output.transmit(UInt8(truncatingIfNeeded: sent.count)) { sent.append(UInt8(truncatingIfNeeded: sent.count)) }
    #expect(sent.count == 64 << 10)
    var bytes: [UInt8] = []
    #expect(take(10, into: &bytes))
    #expect(!take(10, into: &bytes))
    while !output.isEmpty { _ = take(4000, into: &bytes) }
    #expect(bytes == sent)
    #expect(try counter(.dropped) == 0)
  }

  @Test("A sender that does not ask waits a moment for a reader that takes nothing, and then no more")
  func stall() throws {
    while output.transmit(0) {}
    let start = Instant.now
    #expect(!output.waitForRoom())
    let first = Instant.now
    #expect(!output.waitForRoom())
    #expect((20_000_000...2_000_000_000).contains(first.nanoseconds(since: start)))
    #expect(Instant.now.nanoseconds(since: first) < 20_000_000)
    output.drop(0)
    output.drop(0)
    #expect(try counter(.dropped) == 2)
    var bytes: [UInt8] = []
    _ = take(1, into: &bytes)
    #expect(output.waitForRoom(), "the reader is back")
  }

  @Test("Threads' bytes all arrive, each thread's in its order, however slowly they are taken")
  func concurrent() throws {
    let count = 200_000
    let output = output
    let sender = try Thread(named: "sender") {
      for number in 0..<count {
        while !output.transmit(UInt8(truncatingIfNeeded: number &* 7)) { _ = output.waitForRoom() }
      }
    }
    var bytes: [UInt8] = []
    while bytes.count < count { _ = take(Int.random(in: 1...5000), into: &bytes) }
    sender.join()
    #expect(bytes == (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
  }
}
