import Host
import Testing

@testable import DiskImage

/// Random requests against a disk and plain bytes, judged by us and by QEMU's tool.
@Suite("Writing images")
struct WritingTests {
  private let folder = Folder()

  /// Does random requests and compares along the way, in the same image opened anew too.
  private func exercise(
    _ path: String, _ format: ImageFormat, over base: [UInt8], seed: UInt64
  ) throws {
    var model = Model(seed: seed, size: Int(try patiently { try ImageInfo(path: path).size }), over: base)
    for _ in 0..<3 {
      let disk = try patiently { try Disk(path: path, format: format, readOnly: false) }
      #expect(try disk.contents() == model.bytes)
      for _ in 0..<80 { try model.apply(model.next(largest: 256 << 10), to: disk) }
      #expect(try disk.contents() == model.bytes)
      try disk.flush()
    }
    if format == .qcow2 { try judge(path, model.bytes) }
  }

  private func judge(_ path: String, _ expected: [UInt8]) throws {
    let report = try patiently { try CheckReport(checking: path) }
    #expect(report.errors == [])
    #expect(report.leakedClusters == 0)
    let (status, output) = run("qemu-img", "check", "-f", "qcow2", path)
    #expect(status == 0, "\(output)")
    try makeFile(folder("expected"), expected)
    let (same, difference) = run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", folder("expected"), path)
    #expect(same == 0, "\(difference)")
  }

  @Test(arguments: [512, 4096, 64 << 10, 2 << 20] as [UInt64])
  func ours(clusterSize: UInt64) throws {
    var creation = ImageCreation(format: .qcow2, size: 1 << 20 | 512)
    creation.clusterSize = clusterSize
    try creation.make(at: folder("image"))
    try judge(folder("image"), Array(repeating: 0, count: 1 << 20 | 512))
    try exercise(folder("image"), .qcow2, over: [], seed: clusterSize)
  }

  @Test(arguments: [512, 4096, 64 << 10] as [UInt64], [true, false])
  func overlay(clusterSize: UInt64, rawBase: Bool) throws {
    // Smaller than the overlay, so that some of it is beyond the base.
    let base = pattern(1 << 20, seed: 5)
    try makeFile(folder("raw"), base)
    if !rawBase {
      try tool("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", folder("raw"), folder("base"))
    }
    let name = rawBase ? "raw" : "base"
    let before = try bytes(of: folder(name))
    var creation = ImageCreation(overlaying: name)
    creation.clusterSize = clusterSize
    creation.size = 1536 << 10
    try creation.make(at: folder("image"))
    #expect(try ImageInfo(path: folder("image")).qcow2?.backingFormat == (rawBase ? "raw" : "qcow2"))
    try exercise(folder("image"), .qcow2, over: base, seed: clusterSize + 1)
    #expect(try bytes(of: folder(name)) == before)
  }

  @Test(arguments: [
    "cluster_size=512", "cluster_size=64k,lazy_refcounts=on", "refcount_bits=1,cluster_size=512",
    "refcount_bits=2,cluster_size=4k", "refcount_bits=64,cluster_size=512", "refcount_bits=32",
    "preallocation=metadata", "cluster_size=2M", "preallocation=falloc,cluster_size=4k",
  ])
  func qemus(options: String) throws {
    try tool("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, folder("image"), "1M")
    try exercise(folder("image"), .qcow2, over: [], seed: UInt64(options.utf8.count))
  }

  /// Compressed clusters are written over one by one, and those that share their host cluster stay.
  @Test(arguments: ["4k", "64k"])
  func overCompressed(clusterSize: String) throws {
    let base = pattern(1 << 20, seed: 6)
    try makeFile(folder("raw"), base)
    try tool(
      "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=\(clusterSize)", folder("raw"),
      folder("image"))
    try exercise(folder("image"), .qcow2, over: base, seed: 7)
  }

  /// What a snapshot holds is not written over, and is there when QEMU goes back to it.
  @Test(arguments: ["512", "64k"])
  func snapshotsAreCopiedOnWrite(clusterSize: String) throws {
    let base = pattern(1 << 20, seed: 8)
    try makeFile(folder("raw"), base)
    try tool(
      "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=\(clusterSize)", folder("raw"),
      folder("image"))
    try tool("qemu-img", "snapshot", "-c", "before", folder("image"))
    try exercise(folder("image"), .qcow2, over: base, seed: 9)
    try tool("qemu-img", "snapshot", "-a", "before", folder("image"))
    try judge(folder("image"), base)
  }

  /// A bitmap's clusters are in use while the header says that the bitmap is right, which our first write ends.
  @Test func bitmapsAreCounted() throws {
    let image = folder("image")
    func report() throws -> CheckReport { try patiently { try CheckReport(checking: image) } }
    try tool("qemu-img", "create", "-q", "-f", "qcow2", image, "64M")
    for (name, granularity) in [("one", "64k"), ("two", "512")] {
      try tool("qemu-img", "bitmap", "--add", "-g", granularity, image, name)
    }
    try tool("qemu-io", "-c", "write -P 5 1M 1M", image)
    #expect(run("qemu-img", "check", image).status == 0)
    #expect(try report().errors == [])
    #expect(try report().leakedClusters == 0)
    // What the second one's place says lies in the first one's table.
    let sound = try bytes(of: image)
    let header = Qcow2Header.versionThreeBytes
    let place = try #require((header..<header + 1024).first { sound.big(at: $0, as: UInt32.self) == 0x2385_2875 })
    let directory = Int(sound.big(at: place + 24, as: UInt64.self))
    var broken = sound
    broken.replaceSubrange(directory + 32..<directory + 40, with: sound[directory..<directory + 8])
    try makeFile(image, broken)
    #expect(try report().errors.first?.contains("the table of bitmap 1 and another table share") == true)
    try makeFile(image, sound)
    do {
      let disk = try patiently { try Disk(path: image, readOnly: false) }
      try disk.write([UInt8](repeating: 6, count: 512), at: 0)
      try disk.flush()
    }
    #expect(try report().errors == [])
    #expect(try report().leakedClusters > 0)
    #expect(run("qemu-img", "check", image).status == 3)
  }

  @Test func raw() throws {
    try ImageCreation(format: .raw, size: 3 << 20).make(at: folder("raw"))
    #expect(try ImageInfo(path: folder("raw")).allocated < 64 << 10)
    try exercise(folder("raw"), .raw, over: [], seed: 10)
  }

  /// Refcount blocks are added and the refcount table moves when an image outgrows them.
  @Test(arguments: ["refcount_bits=64", "refcount_bits=16"])
  func refcountTableGrows(bits: String) throws {
    try tool("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512,\(bits)", folder("image"), "10M")
    let part = pattern(1 << 20, seed: 13)
    let data = (0..<10).reduce(into: []) { data, _ in data += part }
    do {
      let disk = try patiently { try Disk(path: folder("image"), readOnly: false) }
      for start in stride(from: 0, to: data.count, by: 2 << 20) {
        try disk.write(Array(data[start..<start + 2 << 20]), at: start)
      }
      try disk.flush()
    }
    try judge(folder("image"), data)
  }

  /// A disk much larger than what the caches cover, written all over.
  @Test func sparseAndLarge() throws {
    var creation = ImageCreation(format: .qcow2, size: 1 << 40)
    creation.clusterSize = 512
    #expect(throws: ImageError.self) { try creation.make(at: folder("too-large")) }
    creation.clusterSize = 64 << 10
    try creation.make(at: folder("image"))
    do {
      let disk = try patiently { try Disk(path: folder("image"), readOnly: false) }
      for index in 0..<400 { try disk.write([UInt8](repeating: 7, count: 512), at: index * 2_700_000_256) }
      try disk.flush()
    }
    let disk = try patiently { try Disk(path: folder("image"), readOnly: true) }
    for index in 0..<400 {
      let sectors = [UInt8](repeating: 7, count: 512) + [UInt8](repeating: 0, count: 512)
      #expect(try disk.read(1024, at: index * 2_700_000_256) == sectors)
    }
    let report = try CheckReport(checking: folder("image"))
    #expect(report.errors == [])
    #expect(report.allocatedClusters >= 400)
  }

  @Test func temporaryOverlayLeavesNothing() throws {
    let base = pattern(1 << 20, seed: 11)
    try makeFile(folder("raw"), base)
    let overlay = try TemporaryOverlay(over: folder("raw"), format: nil, in: folder.path)
    var model = Model(seed: 12, size: base.count, over: base)
    for isDirect in [false, true] {
      let disk = try overlay.open(isDirect: isDirect)
      #expect(try disk.contents() == model.bytes)
      for _ in 0..<100 { try model.apply(model.next(largest: 256 << 10), to: disk) }
      #expect(try disk.contents() == model.bytes)
      try disk.flush()
    }
    #expect(try bytes(of: folder("raw")) == base)
    #expect(run("ls", folder.path).output == "raw\n")
  }

  /// An overlay by its path: made, taken again, and refused when it is something else.
  @Test func overlayInOneStep() throws {
    let base = pattern(1 << 20, seed: 14)
    try makeFile(folder("raw"), base)
    try makeFile(folder("other"), base)
    func open(_ name: String, over base: String, _ format: ImageFormat? = nil) throws -> Disk {
      try patiently { try Disk(overlay: folder(name), over: folder(base), format: format, isDirect: false) }
    }
    func refusal(_ name: String, over base: String, _ format: ImageFormat? = nil) -> String? {
      do {
        _ = try open(name, over: base, format)
        return nil
      } catch { return "\(error)" }
    }
    do {
      let disk = try open("over", over: "raw", .raw)
      try disk.write([UInt8](repeating: 7, count: 512), at: 512)
      try disk.flush()
    }
    #expect(try open("over", over: "raw").read(512, at: 512) == [UInt8](repeating: 7, count: 512))
    #expect(try bytes(of: folder("raw")) == base)
    #expect(refusal("over", over: "other")?.contains("stands on \(folder("raw")), not on \(folder("other"))") == true)
    #expect(refusal("over", over: "raw", .qcow2)?.contains("no qcow2 image") == true)
    #expect(refusal("raw", over: "other")?.contains("no qcow2 image") == true)
    #expect(refusal("new", over: "missing") == "\(folder("missing")): cannot be opened: No such file or directory")
    try ImageCreation(format: .qcow2, size: 1 << 20).make(at: folder("alone"))
    #expect(refusal("alone", over: "raw")?.contains("stands on no other image") == true)
    #expect(run("ls", folder.path).output == "alone\nother\nover\nraw\n")
  }

  /// Past the page cache, with memory at any place.
  @Test(arguments: [ImageFormat.raw, .qcow2]) func direct(format: ImageFormat) throws {
    try ImageCreation(format: format, size: 1 << 20).make(at: folder("image"))
    do {
      let disk = try patiently { try Disk(path: folder("image"), format: format, readOnly: false, isDirect: true) }
      var model = Model(seed: 15, size: 1 << 20, over: [])
      for _ in 0..<50 { try model.apply(model.next(largest: 200 << 10), to: disk) }
      #expect(try disk.contents() == model.bytes)
      // What is aligned goes without a copy.
      let memory = try Mapping.anonymous(64 << 10)
      // SAFETY: the mapping is as large, and alive for the calls.
      let buffer = unsafe UnsafeMutableRawBufferPointer(start: memory.base, count: memory.count)
      unsafe try disk.read(Segments(buffer), at: 4096)
      #expect(unsafe buffer.elementsEqual(model.bytes[4096..<4096 + 64 << 10]))
      unsafe buffer.copyBytes(from: repeatElement(0x5a, count: buffer.count))
      unsafe try disk.write(Segments(buffer), at: 512)
      #expect(try disk.read(64 << 10, at: 512) == [UInt8](repeating: 0x5a, count: 64 << 10))
      try disk.flush()
    }
    if format == .qcow2 { #expect(qemuErrors(folder("image")) == nil) }
  }

  @Test func directNeedsLargeClusters() throws {
    var creation = ImageCreation(format: .qcow2, size: 1 << 20)
    creation.clusterSize = 2048
    try creation.make(at: folder("image"))
    #expect(throws: ImageError.self) {
      _ = try patiently { try Disk(path: folder("image"), readOnly: false, isDirect: true) }
    }
  }
}
