import Testing
import Virtio

@Suite("Entropy")
struct EntropyTests {
  let driver: MockDriver
  init() throws { driver = try MockDriver(Entropy()) }

  @Test func fillsBuffers() throws {
    try driver.start()
    driver.queues[0].offer([.writable(0x8000, 24), .writable(0x9000, 40)])
    #expect(driver.kick())
    let answer = try #require(driver.queues[0].takeUsed())
    #expect(answer.written == 64)
    // Thirty-two zeros have a chance of 2^-256.
    #expect(driver.bytes(0x8000, 24) != [UInt8](repeating: 0, count: 24))
    #expect(driver.bytes(0x9000 + 8, 32) != [UInt8](repeating: 0, count: 32))
    #expect(driver.bytes(0x8000 + 24, 8) == [UInt8](repeating: 0, count: 8), "not a byte more")
    #expect(driver.takeInterrupt() == 1)
  }

  @Test func differsEachTime() throws {
    try driver.start()
    for address in [0x8000, 0x9000] as [UInt64] {
      driver.queues[0].offer([.writable(address, 32)])
      driver.kick()
    }
    #expect(driver.bytes(0x8000, 32) != driver.bytes(0x9000, 32))
  }

  @Test func giganticRequestGetsSome() throws {
    try driver.start()
    driver.queues[0].offer([.writable(0x10_0000, 1 << 20)])
    driver.kick()
    #expect(driver.queues[0].takeUsed()?.written == UInt32(Entropy.mostBytes))
    #expect(driver.bytes(0x10_0000 + UInt64(Entropy.mostBytes), 16) == [UInt8](repeating: 0, count: 16))
  }

  @Test func manyRequestsAtOnce() throws {
    try driver.start(queueSize: 64)
    for _ in 0..<5 {
      for _ in 0..<64 { driver.queues[0].offer([.writable(0x8000, 16)]) }
      driver.kick()
      var count = 0
      while let answer = driver.queues[0].takeUsed() {
        #expect(answer.written == 16)
        count += 1
      }
      #expect(count == 64)
    }
  }

  @Test func readableBufferIsRefused() throws {
    try driver.start()
    driver.queues[0].offer([.readable(0x8000, 16), .writable(0x9000, 16)])
    driver.kick()
    driver.expectFault(.malformedRequest)
    #expect(driver.bytes(0x8000, 32) == [UInt8](repeating: 0, count: 32))
  }
}
