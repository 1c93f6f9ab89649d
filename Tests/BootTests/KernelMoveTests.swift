import Boot
import GuestMemory
import MadeUpImages
import Testing

/// A bzImage that was unpacked, and goes where the code that unpacks it in the guest would have put it.
@Suite("Kernels at addresses of chance")
struct KernelMoveTests {
  private static let linked: UInt64 = 0x100_0000
  private static let mapping: UInt64 = 0xffff_ffff_8000_0000
  private static let kernelBytes = 0x30_0000
  private static let entry: UInt64 = linked + 0x123
  private let zeroPage = BootLayout.zeroPage.start.rawValue

  // Where the kernel has numbers that depend on its address, and what they are before it moves.
  private static let longs: [UInt64: UInt64] = [0x10: mapping + linked, 0x2f_fff8: .max, 0x1003: 1]
  private static let falling: [UInt64: UInt32] = [0x20: 0x8100_0000, 0x2f_ff00: 5]
  private static let words: [UInt64: UInt32] = [0x2001: 0x8100_1234, 0x30: .max]

  private static func list(_ offsets: some Collection<UInt64>) -> [UInt8] {
    var bytes: [UInt8] = []
    for word in [0] + offsets.sorted().map({ UInt32(truncatingIfNeeded: mapping + linked + $0) }) {
      bytes.append(little: word)
    }
    return bytes
  }

  private static let usualTail = list(longs.keys) + list(falling.keys) + list(words.keys)

  /// The ELF file of a kernel with two segments, and what stands behind it.
  private func kernel(tail: [UInt8] = usualTail, mapping: UInt64 = Self.mapping) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xcc, count: Self.kernelBytes)
    for (offset, value) in Self.longs { bytes.put(value, at: Int(offset)) }
    for (offset, value) in Self.falling { bytes.put(value, at: Int(offset)) }
    for (offset, value) in Self.words { bytes.put(value, at: Int(offset)) }
    let border = 0x20_0000
    return elf(
      entry: Self.entry,
      [
        Segment(address: Self.linked, mapping: mapping, bytes: Array(bytes[..<border])),
        Segment(
          address: Self.linked + UInt64(border), mapping: mapping, bytes: Array(bytes[border...]),
          memorySize: UInt64(Self.kernelBytes - border + 0x5000)),
      ]
    ) { $0 += tail }
  }

  private func request(_ kernel: [UInt8]? = nil, commandLine: String? = nil) throws -> BootRequest {
    var request = BootRequest(kernel: try image(bzImage { $0.put(UInt32(2047), at: 0x238) }))
    request.unpacked = try image(kernel ?? self.kernel())
    request.commandLine = commandLine
    return request
  }

  /// How far a kernel went, in memory and in its own mapping, every number in it having been checked; nil: it unpacks
  /// itself.
  private func distances(
    _ loaded: Loaded, location: SourceLocation = #_sourceLocation
  ) throws -> (physical: UInt64, own: UInt64)? {
    guard case .longMode(let rip, zeroPage, BootLayout.pageTables.start.rawValue, .longMode) = loaded.entry else {
      Issue.record("\(loaded.entry)", sourceLocation: location)
      return nil
    }
    if rip == 0x100_0200 { return nil }
    let physical = rip - Self.entry
    let start = Self.linked + physical
    let own = try loaded.integer(start + 0x10, as: UInt64.self) &- Self.longs[0x10]!
    for (offset, value) in Self.longs {
      #expect(try loaded.integer(start + offset) == value &+ own, sourceLocation: location)
    }
    for (offset, value) in Self.falling {
      #expect(
        try loaded.integer(start + offset) == value &- UInt32(truncatingIfNeeded: own), sourceLocation: location)
    }
    for (offset, value) in Self.words {
      #expect(
        try loaded.integer(start + offset) == value &+ UInt32(truncatingIfNeeded: own), sourceLocation: location)
    }
    #expect(try loaded.integer(start + 0x40) == UInt64(0xcccc_cccc_cccc_cccc), sourceLocation: location)
    let isMoved = try loaded.integer(zeroPage + 0x211, as: UInt8.self) & 2 != 0
    #expect(isMoved || (physical == 0 && own == 0), sourceLocation: location)
    return (physical, own)
  }

  @Test func aKernelIsAnywhereInMemoryAndInItsMapping() throws {
    var physical: Set<UInt64> = []
    var own: Set<UInt64> = []
    for _ in 0..<40 {
      let distances = try #require(try distances(Loaded(request())))
      physical.insert(distances.physical)
      own.insert(distances.own)
    }
    // Of 64 MiB there are 16 MiB below, of which a kernel takes the better half of four.
    #expect(physical.allSatisfy { $0 % (2 << 20) == 0 && $0 <= (64 - 16 - 4) << 20 })
    // Of 1 GiB.
    #expect(own.allSatisfy { $0 % (2 << 20) == 0 && $0 <= (1024 - 16 - 4) << 20 })
    // Of 23 places 19 are expected, of 503 there are 38; fewer than these are found once in millions of years.
    #expect(physical.count >= 9 && own.count >= 24)
    #expect(own.contains { $0 > 512 << 20 })
  }

  @Test func thatTheKernelHasMovedIsSaidInItsHeader() throws {
    let loaded = try Loaded(request())
    // LOADED_HIGH is the bzImage's own.
    #expect(try loaded.integer(zeroPage + 0x211, as: UInt8.self) & 3 == 3)
    #expect(try loaded.integer(zeroPage + 0x206, as: UInt16.self) == 0x020f)
  }

  @Test(arguments: ["nokaslr", "quiet nokaslr panic=-1", "quiet\tnokaslr\n"])
  func whoWantsNoChanceGetsNone(commandLine: String) throws {
    let loaded = try Loaded(request(commandLine: commandLine))
    let distances = try #require(try distances(loaded))
    #expect(distances.physical == 0 && distances.own == 0)
    #expect(try loaded.integer(zeroPage + 0x211, as: UInt8.self) & 2 == 0)
  }

  @Test(arguments: ["mem=40M", "quiet\tmem=40M", "memmap=4M$40M", "hugepagesz=1G hugepages=1"])
  func memoryThatIsTakenFromAKernelIsNotItsPlace(commandLine: String) throws {
    for _ in 0..<5 {
      let loaded = try Loaded(request(commandLine: commandLine))
      #expect(try #require(try distances(loaded)).physical == 0)
      #expect(try loaded.integer(zeroPage + 0x211, as: UInt8.self) & 2 != 0)
    }
  }

  @Test func itKeepsOutOfTheInitrdsWay() throws {
    var request = try request()
    // Only two places are left.
    request.initrd = try image([UInt8](repeating: 0x77, count: (64 - 16 - 6) << 20))
    for _ in 0..<8 {
      let loaded = try Loaded(request)
      #expect(try #require(try distances(loaded)).physical <= 2 << 20)
      #expect(try loaded.integer((16 + 6) << 20, as: UInt64.self) == 0x7777_7777_7777_7777)
    }
  }

  /// As a bzImage has it: where it is linked to, with the initrd where that leaves room.
  @Test(arguments: [nil, "nokaslr", "mem=64M"])
  func itStaysWhereItIsWhenThereIsNoRoomElse(commandLine: String?) throws {
    var request = try request(commandLine: commandLine)
    request.initrd = try image([UInt8](repeating: 0x77, count: 10 << 20))
    let loaded = try Loaded(request, memory: 24 << 20)
    #expect(try #require(try distances(loaded)).physical == 0)
    let initrd = try UInt64(loaded.integer(zeroPage + 0x218, as: UInt32.self))
    #expect(initrd == 6 << 20)
    #expect(try loaded.integer(initrd, as: UInt64.self) == 0x7777_7777_7777_7777)
    request.initrd = try image([UInt8](repeating: 0x77, count: 16 << 20))
    expectRefusal(request, memory: 24 << 20) { if case .noRoom("the initrd", _, _) = $0 { true } else { false } }
    expectRefusal(request, memory: 18 << 20) { if case .outsideMemory = $0 { true } else { false } }
  }

  /// Its mapping is below 4 GiB, and so is it.
  @Test func ofALargeGuestItHasTheLowerPart() throws {
    let loaded = try Loaded(request(), memory: 5 << 30)
    #expect(try #require(try distances(loaded)).physical <= 3 << 30 - 20 << 20)
  }

  @Test func aListInTwoPartsIsKnownToo() throws {
    let tail = Self.list(Self.longs.keys) + Self.list(Self.words.keys)
    let loaded = try Loaded(request(kernel(tail: tail)))
    guard case .longMode(let rip, _, _, _) = loaded.entry else {
      Issue.record("\(loaded.entry)")
      return
    }
    let start = Self.linked + rip - Self.entry
    let own = try loaded.integer(start + 0x10, as: UInt64.self) &- Self.longs[0x10]!
    #expect(try loaded.integer(start + 0x2001) == UInt32(0x8100_1234) &+ UInt32(truncatingIfNeeded: own))
    #expect(try loaded.integer(start + 0x20) == Self.falling[0x20])
  }

  /// A kernel that was built not to be moved.
  @Test func withoutAListItStays() throws {
    let loaded = try Loaded(request(kernel(tail: [])))
    let distances = try #require(try distances(loaded))
    #expect(distances.physical == 0 && distances.own == 0)
  }

  @Test func whatTheHeaderSaysGoesOn() throws {
    for tail in [Self.usualTail, []] {
      var request = try request(kernel(tail: tail))
      request.kernel = try image(bzImage {
        $0.put(UInt16(1), at: 0x1f2)  // root_flags
        $0[0x211] |= 2
      })
      let loaded = try Loaded(request)
      #expect(try loaded.integer(zeroPage + 0x1f2) == UInt16(1))
      #expect(try loaded.integer(zeroPage + 0x211, as: UInt8.self) & 2 == (tail.isEmpty ? 0 : 2))
      // The seed of its random numbers.
      #expect(try loaded.integer(zeroPage + 0x250) == BootLayout.setupData.start.rawValue)
      request.commandLine = String(repeating: "x", count: 101)
      expectRefusal(request) { $0 == .commandLineTooLong(count: 101, limit: 100) }
    }
  }

  @Test func byPVHTheELFFileIsMeant() throws {
    var request = try request(pvhKernel())
    request.bootProtocol = .pvh
    guard case .protectedMode(let state, _) = try Loaded(request).entry else {
      Issue.record("not by PVH")
      return
    }
    #expect(state.eip == 0x10_0004)
    request.unpacked = nil
    expectRefusal(request) { if case .not(.pvh, _) = $0 { true } else { false } }
  }

  @Test func aListThatIsNotUnderstoodLeavesAllToTheKernel() throws {
    func unpacksItself(_ kernel: [UInt8], location: SourceLocation = #_sourceLocation) throws {
      #expect(try distances(Loaded(request(kernel))) == nil, sourceLocation: location)
    }
    let tail = Self.usualTail
    try unpacksItself(kernel(tail: Array(tail.dropFirst(4))))
    try unpacksItself(kernel(tail: tail + [0]))
    try unpacksItself(kernel(tail: tail + [0, 0, 0, 0]))
    try unpacksItself(kernel(tail: Self.list(Self.longs.keys)))
    try unpacksItself(kernel(tail: tail + [0, 0, 0, 0x81 - 1]))
    // A number that is not all in the kernel's memory.
    let end = UInt64(Self.kernelBytes) + 0x5000
    for (offset, list) in [(end - 7, 0), (end - 3, 1), (end - 3, 2)] {
      let lists = (0..<3).map { Self.list($0 == list ? [offset] : []) }
      try unpacksItself(kernel(tail: lists.flatMap(\.self)))
    }
    try unpacksItself(elf(is64Bit: false, entry: Self.linked, [Segment(address: Self.linked, bytes: [0xf4])]))
    // Two segments in one place.
    try unpacksItself(elf(entry: Self.linked, [0, 8].map { Segment(address: Self.linked + $0, bytes: [UInt8](repeating: 0xf4, count: 16)) }))
    try unpacksItself(kernel(mapping: Self.mapping + 0x1000))
    try unpacksItself(kernel(mapping: 0))
    // A table of sections beyond the file's end.
    var cut = kernel()
    cut.put(UInt64(cut.count), at: 40)
    cut.put(UInt16(64), at: 58)
    cut.put(UInt16(3), at: 60)
    try unpacksItself(cut)
  }

  @Test func sectionsAreNoList() throws {
    // A table of one section at the end, whose contents stand before it: with them the file is complete.
    var bytes = kernel(tail: [UInt8](repeating: 7, count: 100) + [UInt8](repeating: 0, count: 64))
    let table = bytes.count - 64
    bytes.put(UInt64(table), at: 40)
    bytes.put(UInt16(64), at: 58)
    bytes.put(UInt16(1), at: 60)
    bytes.put(UInt32(3), at: table + 4)
    bytes.put(UInt64(table - 100), at: table + 24)
    bytes.put(UInt64(100), at: table + 32)
    let loaded = try Loaded(request(bytes + Self.usualTail))
    #expect(try distances(loaded) != nil)
  }

  @Test func modulesMeanNothingToLinux() throws {
    var request = try request()
    request.modules = [.init(file: request.kernel)]
    expectRefusal(request) { $0 == .unused(by: .linux) }
  }
}
