import Boot
import Testing

@Suite struct AMLTests {
  @Test func integersTakeTheShortestForm() {
    #expect(AML.integer(0).bytes == [0])
    #expect(AML.integer(1).bytes == [1])
    #expect(AML.integer(2).bytes == [0x0a, 2])
    #expect(AML.integer(0xff).bytes == [0x0a, 0xff])
    #expect(AML.integer(0x100).bytes == [0x0b, 0, 1])
    #expect(AML.integer(0x1_0000).bytes == [0x0c, 0, 0, 1, 0])
    #expect(AML.integer(1 << 32).bytes == [0x0e, 0, 0, 0, 0, 1, 0, 0, 0])
  }

  @Test func namesAreFilledUpAndPrefixed() {
    #expect(AML.name("_S5", .integer(0)).bytes == [0x08] + Array("_S5_".utf8) + [0])
    #expect(AML.name("\\_SB.X", .integer(0)).bytes == [0x08, 0x5c, 0x2e] + Array("_SB_X___".utf8) + [0])
    #expect(AML.name("A.B.C", .integer(0)).bytes == [0x08, 0x2f, 3] + Array("A___B___C___".utf8) + [0])
  }

  @Test func anEISAIdentityIsPacked() {
    #expect(AML.eisaID("PNP0501").bytes == [0x0c, 0x41, 0xd0, 0x05, 0x01])
  }

  /// The length counts itself, in as many bytes as it needs (20.2.4).
  @Test(arguments: [(0, 1), (60, 1), (61, 2), (4091, 2), (4092, 3), (100_000, 3), (1_048_574, 4)])
  func lengthsCountThemselves(payload: Int, lengthBytes: Int) {
    // A buffer: its opcode, its length, the payload's size as an integer, the payload.
    let body = AML.buffer([UInt8](repeating: 0, count: payload)).bytes
    let size = AML.integer(UInt64(payload)).bytes.count
    let lead = body[1]
    let more = Int(lead >> 6)
    var length = more == 0 ? Int(lead & 0x3f) : Int(lead & 0xf)
    for index in 0..<more { length |= Int(body[2 + index]) << (4 + 8 * index) }
    #expect(length == body.count - 1)
    #expect(body.count == 1 + 1 + more + size + payload)
  }

  @Test func resourcesEndWithATag() {
    let bytes = AML.resources([.io(0x3f8, count: 8), .irq(4)]).bytes
    #expect(bytes == [0x11, 0x10, 0x0a, 0x0d, 0x47, 1, 0xf8, 3, 0xf8, 3, 1, 8, 0x22, 0x10, 0, 0x79, 0])
  }

  /// A device on the memory bus, against what Intel's compiler makes of the same ASL.
  @Test func aDeviceIsEncodedAsTheCompilerDoes() {
    let device = AML.scope("_SB") {
      AML.device("VIO0") {
        AML.name("_HID", .string("LNRO0005"))
        AML.name("_UID", .integer(3))
        AML.name("_CRS", .resources([.memory(0xd000_0000, count: 0x1000), .interrupt(17)]))
      }
    }
    let text = { (text: String) in Array(text.utf8) }
    var expected: [UInt8] = [0x10, 0x43, 0x04] + text("_SB_") + [0x5b, 0x82, 0x3b] + text("VIO0")
    expected += [0x08] + text("_HID") + [0x0d] + text("LNRO0005") + [0]
    expected += [0x08] + text("_UID") + [0x0a, 0x03]
    expected += [0x08] + text("_CRS") + [0x11, 0x1a, 0x0a, 0x17]
    expected += [0x86, 0x09, 0x00, 0x01, 0x00, 0x00, 0x00, 0xd0, 0x00, 0x10, 0x00, 0x00]
    expected += [0x89, 0x06, 0x00, 0x03, 0x01, 0x11, 0x00, 0x00, 0x00, 0x79, 0x00]
    #expect(device.bytes == expected)
  }
}
