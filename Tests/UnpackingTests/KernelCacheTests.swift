import Foundation
import Host
import MadeUpImages
import Testing

@testable import Unpacking

@Suite("Kernels that are kept unpacked")
struct KernelCacheTests {
  private let folder: TemporaryFolder
  private let cache: KernelCache

  init() throws {
    folder = try TemporaryFolder()
    cache = KernelCache(path: folder.path + "/below/kernels")
  }

  /// A packed kernel in a file of its own.
  private func packed(_ kernel: [UInt8]) throws -> PackedKernel {
    let payload = try Packer.all[0].payload(kernel, folder)
    let path = try folder.file("image-\(UUID().uuidString)", bzImage(payload: payload))
    return try #require(try PackedKernel(path))
  }

  private func content(_ kernel: UnpackedKernel) throws -> [UInt8] {
    try kernel.file.descriptor.read(count: 1 << 20, at: 0)
  }

  private func names() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: cache.path)) ?? []).filter { $0 != "secret" }
  }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test("The second start finds what the first has unpacked, by what is in the file")
  func finds() throws {
    let kernel = kernel()
    let first = try UnpackedKernel(packed(kernel), cache: cache)
    #expect(first.origin == .unpacked)
    #expect(try content(first) == kernel)
    // Another file with the same in it.
    let second = try UnpackedKernel(packed(kernel), cache: cache)
    #expect(second.origin == .cache)
    #expect(try content(second) == kernel)
    let other = try UnpackedKernel(packed(kernel + [1]), cache: cache)
    #expect(other.origin == .unpacked)
    #expect(names().count == 2)
    #expect(try mode(cache.path) == 0o700)
    for name in names() { #expect(try mode(cache.path + "/" + name) == 0o400) }
  }

  @Test("Who does not know the folder's secret cannot tell a kernel's name")
  func keysDependOnASecret() throws {
    let packed = try packed(kernel())
    let secret = try cache.secret()
    #expect(try cache.secret() == secret && secret.count == 192)
    let other = KernelCache(path: folder.path + "/other")
    #expect(try other.secret() != secret)
    #expect(try packed.key(secret).digits != packed.key(other.secret()).digits)
    #expect(try packed.key(secret).digits.count == 32)
    _ = try UnpackedKernel(packed, cache: cache)
    #expect(try names() == [packed.key(secret).digits + ".elf"])
  }

  @Test("A kernel that is not whole is unpacked anew")
  func mendsDamage() throws {
    let kernel = kernel()
    let packed = try packed(kernel)
    _ = try UnpackedKernel(packed, cache: cache)
    let name = try #require(names().first)
    for damage in [Data(), Data(kernel.dropLast()), Data(kernel + [0])] {
      try FileManager.default.removeItem(atPath: cache.path + "/" + name)
      try damage.write(to: URL(filePath: cache.path + "/" + name))
      let mended = try UnpackedKernel(packed, cache: cache)
      #expect(mended.origin == .unpacked)
      #expect(try content(mended) == kernel)
      #expect(try UnpackedKernel(packed, cache: cache).origin == .cache)
      #expect(names() == [name])
    }
  }

  @Test("A kernel stays what it is while its file is removed, and is unpacked again then")
  func survivesRemoval() throws {
    let kernel = kernel()
    let packed = try packed(kernel)
    let unpacked = try UnpackedKernel(packed, cache: cache)
    try FileManager.default.removeItem(atPath: cache.path)
    #expect(try content(unpacked) == kernel)
    #expect(try UnpackedKernel(packed, cache: cache).origin == .unpacked)
  }

  @Test("Without a place to keep it, it boots all the same")
  func goesWithout() throws {
    let kernel = kernel()
    let packed = try packed(kernel)
    let inTheWay = KernelCache(path: try folder.file("file", [0]) + "/kernels")
    let unpacked = try UnpackedKernel(packed, cache: inTheWay)
    guard case .notKept(.refused(inTheWay.path, _)) = unpacked.origin else {
      Issue.record("\(unpacked.origin)")
      return
    }
    #expect(try content(unpacked) == kernel)
    let nowhere = try UnpackedKernel(packed, cache: nil)
    #expect(nowhere.origin == .notKept(.nowhere))
    #expect(try content(nowhere) == kernel)
  }

  @Test("Nothing is left of a kernel that cannot be unpacked")
  func leavesNothing() throws {
    var payload = try Packer.all[0].payload(kernel(), folder)
    payload[payload.count / 2] ^= 1
    let broken = try #require(try PackedKernel(folder.file("image", bzImage(payload: payload))))
    #expect(throws: UnpackingError.self) { try UnpackedKernel(broken, cache: cache) }
    #expect(names().isEmpty)
  }

  /// Whose file it is could else put a kernel of his own in another's place.
  @Test("What is unpacked is what has the key, whatever is written to the file in between")
  func fileThatChanges() throws {
    func image(_ kernel: [UInt8]) throws -> [UInt8] {
      bzImage(payload: try Packer.all[3].payload(kernel, folder))
    }
    var bad = kernel()
    bad[bad.count - 1] ^= 1
    let (good, other) = (try image(kernel()), try image(bad))
    #expect(good.count == other.count)
    let path = try folder.file("image", good)
    let packed = try #require(try PackedKernel(path))
    let key = try packed.key(cache.secret())
    // The same file, so not with a new one in its place.
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.write(contentsOf: Data(other))
    do throws(UnpackingError) {
      _ = try packed.unpack(key)
      Issue.record("another kernel is unpacked")
    } catch {
      #expect(error == .refused(path: path, .changed))
    }
    try file.seek(toOffset: 0)
    try file.write(contentsOf: Data(good))
    #expect(try packed.unpack(key).count == kernel().count)
  }

  @Test("Many starts at once")
  func manyAtOnce() async throws {
    let kernel = kernel()
    let (packed, cache) = (try packed(kernel), cache)
    let contents = try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<8 {
        group.addTask { try UnpackedKernel(packed, cache: cache).file.descriptor.read(count: 1 << 20, at: 0) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(contents == Array(repeating: kernel, count: 8))
    #expect(names().count == 1)
  }

  @Test("What was not used for longest goes when there is too much")
  func removesUnused() throws {
    // Sparse: they take no room.
    try FileManager.default.createDirectory(atPath: cache.path, withIntermediateDirectories: true)
    for (name, hours) in [
      ("old.elf", 3), ("oldest.elf.new-1-1", 4), ("used.elf", 5), ("recent.elf", 1), ("begun.elf.new-2-2", 0.9),
    ] {
      let file = try Descriptor.open(cache.path + "/" + name, [.writeOnly, .create])
      try file.truncate(to: Int64(KernelCache.mostBytes / 3))
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -3600 * hours)], ofItemAtPath: cache.path + "/" + name)
    }
    let before = Set(names())
    guard let used = cache.find("used", bytes: Int(KernelCache.mostBytes / 3)) else {
      Issue.record("the kernel is not found")
      return
    }
    #expect(used.number >= 0)
    _ = try UnpackedKernel(packed(kernel()), cache: cache)
    // Three are more than there may be, but the one is not complete yet.
    #expect(Set(names()).intersection(before) == ["begun.elf.new-2-2", "used.elf"])
    #expect(names().count == 3)
  }

  /// Any bzImage, of which nobody has said whether it is to be unpacked.
  private func unasked(_ path: String, _ cache: KernelCache?) throws -> UnpackedKernel.Origin? {
    try UnpackedKernel(of: path, isWanted: nil, cache: cache)?.origin
  }

  @Test("Unasked a kernel is unpacked where it can be kept, and else booted as it is")
  func unasked() throws {
    let image = try folder.file("image", bzImage(payload: Packer.all[0].payload(kernel(), folder)))
    #expect(try unasked(image, cache) == .unpacked)
    #expect(try unasked(image, cache) == .cache)
    #expect(try unasked(image, nil) == nil)
    #expect(try UnpackedKernel(of: image, isWanted: false, cache: cache) == nil)
    #expect(try unasked(image, KernelCache(path: folder.file("file", [0]) + "/kernels")) == nil)
    // No file system has so much.
    #expect(cache.hasRoom(for: 1) && !cache.hasRoom(for: .max))
    for other in [kernel(), [], [UInt8](repeating: 0, count: 2000), bzImage()] {
      #expect(try unasked(folder.file("other", other), cache) == nil)
    }
    #expect(try unasked(folder.path, cache) == nil && unasked("/dev/null", cache) == nil)
    #expect(names().count == 1)
  }

  /// Else the bzImage itself would be booted, and nobody would know.
  @Test("Who wants a kernel unpacked is told where only its own code can move it")
  func wantedAndMoved() throws {
    let kernel = UnpackingTests.kernel() + [1, 2, 3, 4]
    let image = try folder.file("image", bzImage(payload: Packer.all[0].payload(kernel, folder)))
    do throws(UnpackingError) {
      _ = try UnpackedKernel(of: image, isWanted: true, cache: cache)
      Issue.record("it is unpacked, and would not be booted")
    } catch {
      #expect(error == .refused(path: image, .movesItself))
    }
    // Unasked the bzImage may do it, and by PVH nothing is moved.
    #expect(try unasked(image, cache) == .cache)
    #expect(try UnpackedKernel(of: image, isWanted: true, isMoved: false, cache: cache)?.origin == .cache)
    let sound = try folder.file("sound", bzImage(payload: Packer.all[0].payload(UnpackingTests.kernel(), folder)))
    #expect(try UnpackedKernel(of: sound, isWanted: true, cache: cache)?.origin == .unpacked)
  }

  @Test("A folder that others may write to is not used")
  func foreignFolder() throws {
    let image = try folder.file("image", bzImage(payload: Packer.all[0].payload(kernel(), folder)))
    #expect(try unasked(image, cache) == .unpacked)
    try FileManager.default.setAttributes([.posixPermissions: 0o770], ofItemAtPath: cache.path)
    #expect(try unasked(image, cache) == nil)
    let wanted = try #require(try UnpackedKernel(of: image, isWanted: true, cache: cache))
    #expect(wanted.origin == .notKept(.refused(folder: cache.path, SystemCallError("open", .notPermitted))))
    let link = folder.path + "/link"
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: cache.path)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: cache.path)
    #expect(try unasked(image, KernelCache(path: link)) == nil)
    #expect(try unasked(image, cache) == .cache)
  }
}
