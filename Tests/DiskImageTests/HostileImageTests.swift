import Host
import Testing

@testable import DiskImage

/// Does with bytes that claim to be an image all that a guest and the tools may do: nothing of it may crash
/// or hang.
///
/// It is what a fuzzer calls too. The first byte says how the rest is opened.
///
/// - Returns: whether the image was opened.
@discardableResult
func fuzzOne(_ input: [UInt8], path: String = "/nowhere/image") -> Bool {
  guard let how = input.first, let memory = try? Descriptor.memory(named: "fuzz") else { return false }
  // SAFETY: the array is alive for the call.
  unsafe input.dropFirst().withUnsafeBytes { unsafe try? memory.writeAll($0, at: 0) }
  let writable = how & 1 != 0
  guard let file = try? DiskFile(memory, path: path, writable: writable) else { return false }
  if let header = try? Qcow2Header(of: file), let check = try? Qcow2Check(header, file) { _ = try? check.run() }
  guard let disk = try? Disk(file, format: .qcow2) else { return false }
  // Sizes may be anything: only places that exist are used, a few of them.
  let places = [0, disk.size / 2, disk.size - min(disk.size, 4096)].map { Int($0 & ~511) }
  for place in places {
    let count = Int(min(4096, disk.size - UInt64(place)))
    _ = try? disk.read(count, at: place)
    _ = try? disk.write([UInt8](repeating: 1, count: count), at: place)
    _ = try? disk.zero(at: UInt64(place), count: UInt64(count), keepingRoom: how & 2 != 0)
    _ = try? disk.discard(at: UInt64(place), count: UInt64(count))
  }
  _ = try? disk.flush()
  return true
}

/// Broken and malicious images: refused with the reason, or read as far as they make sense; never written
/// when refused.
@Suite("Hostile images")
struct HostileImageTests {
  private let folder = Folder()

  /// A small image with data, compressed and zero clusters, and a snapshot.
  private func sound() throws -> [UInt8] {
    try makeFile(folder("raw"), pattern(64 << 10, seed: 30))
    try tool(
      "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=1k", folder("raw"),
      folder("sound"))
    try tool("qemu-io", "-c", "write -P 3 4k 10k", "-c", "write -z 20k 4k", folder("sound"))
    try tool("qemu-img", "snapshot", "-c", "one", folder("sound"))
    try tool("qemu-io", "-c", "write -P 4 5k 6k", folder("sound"))
    return try bytes(of: folder("sound"))
  }

  /// What opening the bytes as a qcow2 image says.
  private func refusal(_ bytes: [UInt8], writable: Bool = true) throws -> String? {
    try makeFile(folder("image"), bytes)
    do {
      _ = try patiently { try Disk(path: folder("image"), format: .qcow2, readOnly: !writable) }
      return nil
    } catch let error as ImageError {
      #expect(try DiskImageTests.bytes(of: folder("image")) == bytes, "a refused image was written")
      return error.reason.description
    }
  }

  private func changed<Value: FixedWidthInteger>(_ bytes: [UInt8], _ value: Value, at offset: Int) -> [UInt8] {
    var bytes = bytes
    bytes.put(big: value, at: offset)
    return bytes
  }

  @Test func headersThatAreRefused() throws {
    let sound = try sound()
    #expect(try refusal(sound) == nil)
    func expect(_ what: String, _ bytes: [UInt8], writable: Bool = false, line: Int = #line) throws {
      let said = try refusal(bytes, writable: writable) ?? "nothing"
      #expect(said.contains(what), "line \(line): \(said)")
    }
    try expect("is no qcow2 image", [])
    try expect("is no qcow2 image", changed(sound, 0x5146_49fa as UInt32, at: 0))
    try expect("is truncated: its header", Array(sound.prefix(60)))
    try expect("version 4", changed(sound, 4 as UInt32, at: 4))
    try expect("cluster_bits is 8", changed(sound, 8 as UInt32, at: 20))
    try expect("cluster_bits is 22", changed(sound, 22 as UInt32, at: 20))
    try expect("no multiple of 512", changed(sound, 65537 as UInt64, at: 24))
    try expect("the disk needs", changed(sound, 1 << 40 as UInt64, at: 24))
    try expect("the disk's size", changed(sound, ~511 as UInt64, at: 24))
    try expect("is encrypted", changed(sound, 2 as UInt32, at: 32))
    try expect("L1 table has", changed(sound, 0xffff_ffff as UInt32, at: 36))
    try expect("its L1 table is at offset 1", changed(sound, 1 as UInt64, at: 40))
    try expect("its L1 table is at offset 0", changed(sound, 0 as UInt64, at: 40))
    try expect("is truncated: its L1 table", changed(sound, 1 << 40 as UInt64, at: 40))
    try expect("is truncated: its L1 table", changed(sound, ~1023 as UInt64, at: 40))
    try expect("its refcount table is at", changed(sound, 3 as UInt64, at: 48))
    try expect("refcount table has 0 clusters", changed(sound, 0 as UInt32, at: 56))
    try expect("refcount table has 4294967295", changed(sound, 0xffff_ffff as UInt32, at: 56))
    try expect("it has 65537 snapshots", changed(sound, 65537 as UInt32, at: 60))
    try expect("external data file", changed(sound, 4 as UInt64, at: 72))
    try expect("compressed by", changed(sound, 8 as UInt64, at: 72))
    try expect("subclusters", changed(sound, 16 as UInt64, at: 72))
    try expect("incompatible bits 5, 63", changed(sound, 1 << 63 | 32 as UInt64, at: 72))
    try expect("refcount_order is 7", changed(sound, 7 as UInt32, at: 96))
    try expect("header_length is 100", changed(sound, 100 as UInt32, at: 100))
    try expect("backing file's name is 2000", changed(changed(sound, 2000 as UInt32, at: 16), 600 as UInt64, at: 8))
    try expect("backing file's name is 5", changed(changed(sound, 5 as UInt32, at: 16), 5000 as UInt64, at: 8))
    // Sound enough to be read, not to be written.
    for (bit, what) in [(1 as UInt64, "qemu-img check"), (2, "marked corrupt")] {
      #expect(try refusal(changed(sound, bit, at: 72), writable: false) == nil)
      try expect(what, changed(sound, bit, at: 72), writable: true)
    }
    try tool("qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", folder("old"), "1M")
    try expect("version 2 can only be read", DiskImageTests.bytes(of: folder("old")), writable: true)
  }

  /// Tables that point outside the file, at each other, or at one cluster twice.
  @Test func tablesThatAreRefused() throws {
    let sound = try sound()
    let l1: UInt64 = sound.big(at: 40)
    let l2 = Int((sound.big(at: Int(l1)) as UInt64) & Geometry.offsetMask)
    let refcountTable: UInt64 = sound.big(at: 48)
    let exclusive = ClusterEntry.exclusive
    let data = Int((0..<64).first { (sound.big(at: l2 + $0 * 8) as UInt64) >> 62 == 2 }!)
    let other: UInt64 = sound.big(at: l2 + (data + 1) * 8)
    /// - Parameter isCount: whether it is a count that is wrong, which is nothing to a reader.
    func expect(_ what: String, _ bytes: [UInt8], isCount: Bool = false, line: Int = #line) throws {
      for writable in [true, false] {
        let said = try refusal(bytes, writable: writable)
        if isCount, !writable {
          #expect(said == nil, "line \(line)")
        } else {
          #expect(said?.contains("is corrupt") ?? false && said!.contains(what), "line \(line): \(said ?? "nothing")")
        }
      }
    }
    try expect("L1 entry 0", changed(sound, exclusive | 1 << 40, at: Int(l1)))
    try expect("L1 entry 0", changed(sound, exclusive | UInt64(l2 + 512), at: Int(l1)))
    try expect("another table", changed(sound, exclusive | l1, at: Int(l1)))
    try expect("another table", changed(sound, exclusive | refcountTable, at: Int(l1)))
    try expect("outside the file", changed(sound, exclusive | 1 << 40, at: l2 + data * 8))
    try expect("makes no sense", changed(sound, exclusive | 1 << 57 | 1024, at: l2 + data * 8))
    try expect("points at a table", changed(sound, exclusive | UInt64(l2), at: l2 + data * 8))
    try expect("points at a table", changed(sound, exclusive | 0x400, at: l2 + data * 8))
    try expect("has 2 references", changed(sound, other, at: l2 + data * 8), isCount: true)
    try expect("refcount table entry 0", changed(sound, 513 as UInt64, at: Int(refcountTable)))
    try expect("outside the file", changed(sound, 1 << 40 as UInt64, at: Int(refcountTable)))
    try expect("share the host cluster", changed(sound, l1, at: Int(refcountTable)))
    try expect("references", changed(sound, 0 as UInt64, at: Int(refcountTable)), isCount: true)
    for length in stride(from: 0, to: sound.count, by: 1024) {
      #expect(try refusal(Array(sound.prefix(length))) != nil, "cut to \(length)")
    }
  }

  /// What is wrong with a base is found before anything is read from it.
  @Test func aBaseWithBrokenTablesIsRefused() throws {
    let sound = try sound()
    let l1: UInt64 = sound.big(at: 40)
    try makeFile(folder("base"), changed(sound, ClusterEntry.exclusive | l1, at: Int(l1)))
    try tool("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", "base", "-F", "qcow2", folder("over"), "64k")
    let error = #expect(throws: ImageError.self) { try Disk(path: folder("over"), readOnly: false) }
    #expect(try #require(error).description.contains("another table"))
  }

  @Test func backingChainsThatAreRefused() throws {
    try makeFile(folder("raw"), pattern(64 << 10, seed: 31))
    func make(_ name: String, _ backing: String, _ format: String = "qcow2") throws {
      try tool("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", format, folder(name), "64k")
    }
    func refusal(_ name: String) throws -> ImageError? {
      do {
        _ = try patiently { try Disk(path: folder(name), readOnly: false) }
        return nil
      } catch let error as ImageError { return error }
    }
    try make("self", "self")
    #expect(try refusal("self")?.reason == .backingLoop)
    try make("a", "b")
    try make("b", "./c")
    try make("c", folder("a"))
    #expect(try refusal("a")?.reason == .backingLoop)
    try make("missing", "nothing-here")
    #expect(try refusal("missing") == ImageError(folder("nothing-here"), .host(SystemCallError("open", .noSuchFile))))
    try make("folder", ".", "raw")
    #expect(try refusal("folder")?.reason == .noStorage)
    try make("network", "nbd://localhost/disk", "raw")
    #expect(try refusal("network")?.description.contains("is not a plain path") == true)
    try make("strange", "raw", "vmdk")
    #expect(try refusal("strange")?.description.contains("has the format \"vmdk\"") == true)
    try make("not-qcow2", "raw", "qcow2")
    #expect(try refusal("not-qcow2") == ImageError(folder("raw"), .notQcow2))
    try makeFile(folder("odd"), [1, 2, 3])
    try make("on-odd", "odd", "raw")
    #expect(try refusal("on-odd") == ImageError(folder("odd"), .oddSize(3)))
    try make("deep0", "raw", "raw")
    for index in 1...70 { try make("deep\(index)", "deep\(index - 1)") }
    #expect(try refusal("deep60") == nil)
    #expect(try refusal("deep70")?.reason == .backingTooDeep(limit: 64))
  }

  /// Every field and every entry of every table, set to what hurts most.
  @Test func nothingCrashes() throws {
    let sound = try sound()
    var chance = Chance(state: 32)
    func values(_ old: UInt64, of size: Int) -> [UInt64] {
      let sized = UInt64(size)
      return [
        0, 1, .max, 1 << 63, 0x8000_0000_0000_0200, old ^ 1 << 62, old ^ 1 << 63, old | 1, old &+ 1024, old &+ 512,
        sized & ~1023, sized | 1 << 62, chance.next(),
      ]
    }
    var opened = 0
    for offset in stride(from: 0, to: 112, by: 4) {
      for value in values(UInt64(sound.big(at: offset, as: UInt32.self)), of: sound.count) {
        for how in 0..<4 {
          opened += fuzzOne([UInt8(how)] + changed(sound, UInt32(truncatingIfNeeded: value), at: offset)) ? 1 : 0
        }
      }
    }
    // Every aligned word is an entry of some table, or data, where it does no harm.
    for offset in stride(from: 1024, to: sound.count - 8, by: 8) {
      let values = values(sound.big(at: offset), of: sound.count)
      let (value, how) = (values[chance.below(values.count)], chance.below(4))
      opened += fuzzOne([UInt8(how)] + changed(sound, value, at: offset)) ? 1 : 0
    }
    // Many are refused, and many are not: both ways are gone.
    #expect(opened > 500)
  }
}
