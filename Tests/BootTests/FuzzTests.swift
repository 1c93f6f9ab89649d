import Boot
import GuestMemory
import MadeUpImages
import Testing

/// Broken images that nobody thought of: whatever their headers say, a loader either loads them or throws.
@Suite struct FuzzTests {
  /// A sound image, and which of its bytes get damaged.
  struct Victim: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bootProtocol: BootProtocol
    let bytes: [UInt8]
    let header: Range<Int>

    static let all = [
      Victim(testDescription: "bzImage", bootProtocol: .linux, bytes: bzImage(), header: 0x1f1..<0x290),
      Victim(testDescription: "PVH", bootProtocol: .pvh, bytes: pvhKernel(), header: 4..<pvhKernel().count),
      Victim(
        testDescription: "multiboot", bootProtocol: .multiboot,
        bytes: elf(
          is64Bit: false, entry: 0x10_000c,
          [Segment(address: 0x10_0000, bytes: multibootHeader(flags: 3) + [0xf4])]),
        header: 4..<84),
      Victim(
        testDescription: "a.out kludge", bootProtocol: .multiboot,
        bytes: multibootHeader(flags: 1 << 16, [0x10_0000, 0x10_0000, 0, 0, 0x10_0020]) + [0xf4], header: 12..<32),
      Victim(
        testDescription: "vmlinux", bootProtocol: .linux,
        bytes: elf(entry: 0x100_0000, [Segment(address: 0x100_0000, bytes: Array("Linux version 6".utf8))]),
        header: 4..<120),
    ]
  }

  @Test(arguments: Victim.all)
  func damagedHeadersNeverCrash(victim: Victim) throws {
    var generator = SeededGenerator(0x5eed)
    let interesting: [UInt64] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 63, .max]
    let initrd = try image([1, 2, 3])
    var accepted = 0
    var refused = 0
    for round in 0..<150 {
      var damaged = victim.bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let offset = Int.random(in: victim.header, using: &generator)
        let value = Bool.random(using: &generator) ? interesting.randomElement(using: &generator)! : generator.next()
        for index in 0..<[1, 2, 4, 8].randomElement(using: &generator)! where offset + index < damaged.count {
          damaged[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
      }
      if round % 10 == 0 { damaged.removeLast(Int.random(in: 1..<damaged.count, using: &generator)) }
      var request = BootRequest(kernel: try image(damaged))
      request.bootProtocol = round % 2 == 0 ? victim.bootProtocol : nil
      request.initrd = round % 3 == 0 ? initrd : nil
      do {
        _ = try Loaded(request)
        accepted += 1
      } catch let error as BootError {
        #expect(!error.description.isEmpty)
        refused += 1
      }
    }
    // The damage must be neither always fatal nor without effect, or this test tests nothing.
    #expect(accepted > 0 && refused > 0)
  }
}
