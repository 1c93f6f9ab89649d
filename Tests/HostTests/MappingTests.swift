import Host
import Testing

@Suite("Mappings")
struct MappingTests {
  @Test func anonymousMemoryIsZeroAndWritable() throws {
    let mapping = try Mapping.anonymous(1 << 20)
    // SAFETY: both places lie inside the mapping's count.
    unsafe #expect(mapping.base.load(as: UInt64.self) == 0)
    unsafe mapping.base.storeBytes(of: 42, toByteOffset: mapping.count - 8, as: UInt64.self)
    unsafe #expect(mapping.base.load(fromByteOffset: mapping.count - 8, as: UInt64.self) == 42)
  }

  @Test func promisesMoreThanThereIs() throws {
    _ = try Mapping.anonymous(1 << 40)
  }

  @Test func sharedMappingsShareAndPrivateOnesDoNot() throws {
    let file = try Descriptor.memory(named: "test")
    try file.truncate(to: 4096)
    let one = try Mapping.file(file, count: 4096)
    let other = try Mapping.file(file, count: 4096)
    let own = try Mapping.file(file, count: 4096, .copyOnWrite)
    // SAFETY: every access is to the first byte of a page-long mapping.
    unsafe one.base.storeBytes(of: 1, as: UInt8.self)
    unsafe #expect(other.base.load(as: UInt8.self) == 1)
    unsafe own.base.storeBytes(of: 2, as: UInt8.self)
    unsafe #expect(one.base.load(as: UInt8.self) == 1)
  }

  @Test func givesItsAddressesBack() throws {
    let page = 4096
    let file = try Descriptor.memory(named: "gives-back")
    try file.truncate(to: Int64(page))
    func mapped() throws -> Bool {
      var maps = ""
      let list = try Descriptor.open("/proc/self/maps", .readOnly)
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        // SAFETY: the buffer is as long as the array that it stands for.
        let got = try unsafe bytes.withUnsafeMutableBytes { unsafe try list.read(into: $0) }
        if got == 0 { break }
        maps += String(decoding: bytes[..<got], as: UTF8.self)
      }
      return maps.contains("gives-back")
    }
    #expect(try !mapped())
    do {
      let mapping = try Mapping.file(file, count: page)
      #expect(try mapped())
      #expect(mapping.count == page)
    }
    #expect(try !mapped())
  }

  @Test(arguments: [4096, 1 << 21, (1 << 21) + 4096, 5 << 20])
  func alignedMemoryIsItsOwn(count: Int) throws {
    // Several at once, each filled to its ends: none may lie over another.
    let alignment = 1 << 21
    let mappings = try InlineArray<4, AlignedMapping> { _ in try AlignedMapping(count, alignment) }
    for index in mappings.indices { mappings[index].fill(UInt64(index)) }
    for index in mappings.indices { #expect(mappings[index].ends == [UInt64(index), UInt64(index)]) }
  }

  @Test func refusesNothingAndTooMuch() {
    #expect(throws: SystemCallError("mmap", .invalidArgument)) { _ = try Mapping.anonymous(0) }
    #expect(throws: SystemCallError("mmap", .noMemory)) { _ = try Mapping.anonymous(Int.max & ~4095) }
  }
}

/// A mapping of its own, with a word at each end.
private final class AlignedMapping {
  private let mapping: Mapping

  init(_ count: Int, _ alignment: Int) throws {
    mapping = try .anonymous(count, alignment: alignment)
    #expect(mapping.count == count)
    // SAFETY: only the number is looked at.
    #expect(unsafe UInt(bitPattern: mapping.base) % UInt(alignment) == 0)
  }

  func fill(_ word: UInt64) {
    // SAFETY: here and below, both places lie inside the mapping's count.
    unsafe mapping.base.storeBytes(of: word, as: UInt64.self)
    unsafe mapping.base.storeBytes(of: word, toByteOffset: mapping.count - 8, as: UInt64.self)
  }

  var ends: [UInt64] {
    unsafe [
      mapping.base.load(as: UInt64.self), mapping.base.load(fromByteOffset: mapping.count - 8, as: UInt64.self),
    ]
  }
}
