import GuestMemory
import Testing

@Suite("Guest addresses and ranges")
struct GuestRangeTests {
  @Test func addressesDoNotWrap() {
    #expect(GuestAddress(1).advanced(by: 2) == GuestAddress(3))
    #expect(GuestAddress(.max).advanced(by: 0) == GuestAddress(.max))
    #expect(GuestAddress(.max).advanced(by: 1) == nil)
    #expect(GuestAddress(2).advanced(by: .max) == nil)
  }

  @Test func alignsUp() {
    #expect(GuestAddress(0).alignedUp(to: 0x1000) == GuestAddress(0))
    #expect(GuestAddress(1).alignedUp(to: 0x1000) == GuestAddress(0x1000))
    #expect(GuestAddress(0x1000).alignedUp(to: 0x1000) == GuestAddress(0x1000))
    #expect(GuestAddress(7).alignedUp(to: 1) == GuestAddress(7))
    #expect(GuestAddress(.max - 0xfff).alignedUp(to: 0x1000) == GuestAddress(.max - 0xfff))
    #expect(GuestAddress(.max - 0xffe).alignedUp(to: 0x1000) == nil)
  }

  @Test func rangesDoNotWrap() {
    #expect(GuestRange(start: GuestAddress(.max), count: 1) != nil)
    #expect(GuestRange(start: GuestAddress(.max), count: 0) != nil)
    #expect(GuestRange(start: GuestAddress(.max), count: 2) == nil)
    #expect(GuestRange(start: GuestAddress(0), count: .max) != nil)
    #expect(GuestRange(start: GuestAddress(2), count: .max) == nil)
    #expect(GuestRange(start: GuestAddress(.max - 9), count: 10)?.end == GuestAddress(.max))
    #expect(GuestRange(start: GuestAddress(10), count: 10)?.end == GuestAddress(20))
  }

  @Test func describesItself() {
    #expect(GuestRange(start: GuestAddress(0x1000), count: 0x1000)?.description == "0x1000-0x1fff")
    #expect(GuestRange(start: GuestAddress(0x1000), count: 0)?.description == "0x1000 (empty)")
    #expect(GuestRange(start: GuestAddress(.max), count: 1)?.description == "0xffffffffffffffff-0xffffffffffffffff")
  }

  /// All pairs of small ranges, at the bottom and at the top of the address space, against sets of addresses.
  @Test(arguments: [UInt64(0), UInt64.max - 7]) func agreesWithSetsOfAddresses(base: UInt64) throws {
    struct Case {
      let range: GuestRange
      let bytes: Set<UInt64>
    }
    var cases: [Case] = []
    for start in UInt64(0)..<8 {
      for count in 0...(8 - start) {
        let range = try #require(GuestRange(start: GuestAddress(base + start), count: count))
        cases.append(Case(range: range, bytes: Set((0..<count).map { base + (start + $0) })))
      }
    }
    for outer in cases {
      for inner in cases {
        #expect(outer.range.overlaps(inner.range) == !outer.bytes.isDisjoint(with: inner.bytes))
        if !inner.bytes.isEmpty {
          #expect(outer.range.contains(inner.range) == outer.bytes.isSuperset(of: inner.bytes))
        }
      }
    }
  }

  @Test func emptyRangesLieWhereTheirStartDoes() throws {
    let outer = try #require(GuestRange(start: GuestAddress(10), count: 5))
    for start in UInt64(8)...17 {
      let empty = try #require(GuestRange(start: GuestAddress(start), count: 0))
      #expect(outer.contains(empty) == (10...15).contains(start))
      #expect(!outer.overlaps(empty))
    }
  }
}
