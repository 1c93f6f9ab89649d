import Boot
import GuestMemory
import Testing

@Suite struct FlatTests {
  private func request(load: UInt64, entry: UInt64? = nil, count: Int = 512) throws -> BootRequest {
    var request = BootRequest(kernel: try image((0..<count).map { UInt8(truncatingIfNeeded: $0) }))
    request.bootProtocol = .flat
    request.loadAddress = GuestAddress(load)
    request.entry = entry.map { GuestAddress($0) }
    return request
  }

  @Test func theImageIsLoadedWhereTheUserSays() throws {
    let loaded = try Loaded(request(load: 0x7c00, entry: 0x7c03))
    #expect(loaded.entry == .realMode(segment: 0, offset: 0x7c03))
    #expect(try loaded.bytes(0x7c00, 4) == [0, 1, 2, 3])
    // Over what a BIOS leaves, too.
    #expect(try Loaded(request(load: 0)).bytes(0x400 - 1, 1) == [0])
    #expect(try Loaded(request(load: 0, count: 4096)).bytes(0x413, 1) == [0x13])
  }

  @Test func theEntryIsExpressedAsSegmentAndOffset() throws {
    #expect(try Loaded(request(load: 0xfff0)).entry == .realMode(segment: 0, offset: 0xfff0))
    #expect(try Loaded(request(load: 0x1_0000)).entry == .realMode(segment: 0x1000, offset: 0))
    #expect(try Loaded(request(load: 0xf_fff0)).entry == .realMode(segment: 0xffff, offset: 0))
    #expect(try Loaded(request(load: 0xf_fff0, entry: 0xf_ffff)).entry == .realMode(segment: 0xffff, offset: 0xf))
  }

  @Test func whatCannotBeIsRefused() throws {
    expectRefusal(try request(load: 0x10_0000)) { if case .unsupported = $0 { true } else { false } }
    expectRefusal(try request(load: 0x7c00, entry: 0x7e00)) { $0 == .entryOutside(GuestAddress(0x7e00)) }
    expectRefusal(try request(load: 0x7c00, entry: 0x7bff)) { $0 == .entryOutside(GuestAddress(0x7bff)) }
    expectRefusal(try request(load: .max)) { if case .outsideMemory = $0 { true } else { false } }
    expectRefusal(try request(load: 64 << 20)) { if case .outsideMemory = $0 { true } else { false } }
    var request = try request(load: 0)
    request.commandLine = ""
    expectRefusal(request) { $0 == .unused(by: .flat) }
  }
}
