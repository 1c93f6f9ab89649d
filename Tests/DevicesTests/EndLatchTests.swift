import Devices
import Host
import Testing

@Suite("End latch")
struct EndLatchTests {
  @Test(arguments: [EndRequest.powerOff, .reset, .panic, .debugExit(0), .debugExit(.max), .debugExit(0x1234_5678)])
  func keepsTheRequest(request: EndRequest) throws {
    let latch = try EndLatch()
    #expect(!latch.isSet)
    #expect(latch.requested == nil)
    latch.request(request)
    #expect(latch.isSet)
    #expect(latch.requested == request)
    #expect(latch.event.drain() == 1)
  }

  @Test func firstRequestStays() throws {
    let latch = try EndLatch()
    latch.request(.reset)
    latch.request(.panic)
    latch.request(.debugExit(3))
    #expect(latch.requested == .reset)
    #expect(latch.event.drain() == 1)
  }

  @Test func exactlyOneOfManyThreadsWins() throws {
    for _ in 0..<50 {
      let latch = try EndLatch()
      let first = try Thread(named: "first") { latch.request(.debugExit(1)) }
      let second = try Thread(named: "second") { latch.request(.debugExit(2)) }
      latch.request(.powerOff)
      first.join()
      second.join()
      #expect([.powerOff, .debugExit(1), .debugExit(2)].contains(latch.requested))
      #expect(latch.event.drain() == 1)
    }
  }
}
