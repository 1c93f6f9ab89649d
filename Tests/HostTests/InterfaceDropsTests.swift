import Testing

@testable import Host

@Suite("What the kernel drops at an interface")
struct InterfaceDropsTests {
  private static let table = Array(
    """
    Inter-|   Receive                                                |  Transmit
     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
        lo:       1       2    3    4    5     6          7         8        9      10   11   12    0     0       0          0
      tap1:     158       2    0    0    0     0          0         0     3452      36    0   77    0     0       0          0
     tap10:158 2 0 0 0 0 0 0 3452 36 0 18446744073709551615 0 0 0 0
       odd: 1 2 3

    """.utf8)

  @Test func isReadByTheName() {
    func drops(_ name: String) -> UInt64? { InterfaceDrops.sent(by: name, in: Self.table) }
    #expect(drops("lo") == 12 && drops("tap1") == 77 && drops("tap10") == .max)
    #expect(drops("tap") == nil && drops("odd") == nil && drops("face |bytes") == nil && drops("") == nil)
  }

  @Test func theLoopbackIsThere() {
    #expect(InterfaceDrops.sent(by: "lo") != nil && InterfaceDrops.sent(by: "none such") == nil)
  }
}
