import Testing

@testable import DiskImage

/// Images that QEMU's tool made read as QEMU reads them.
@Suite("Reading images")
struct ReadingTests {
  private let folder = Folder()

  /// Options of `qemu-img create`, with and without compressed clusters.
  static let options = [
    "compat=0.10", "compat=1.1", "cluster_size=512", "cluster_size=4k,compat=0.10", "cluster_size=2M",
    "refcount_bits=1", "refcount_bits=2", "refcount_bits=8", "refcount_bits=64", "preallocation=metadata",
    "preallocation=full", "lazy_refcounts=on", "cluster_size=1k,refcount_bits=4",
  ]

  private static let expected = pattern(3 << 20 | 1536, seed: 1)

  @Test(arguments: options, [true, false])
  func qcow2(options: String, compressed: Bool) throws {
    // Preallocated images cannot be compressed.
    if compressed && options.contains("preallocation") { return }
    let expected = ReadingTests.expected
    try makeFile(folder("raw"), expected)
    let flags = compressed ? ["-c"] : []
    let (status, output) = run(
      ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", options] + flags + [folder("raw"), folder("image")])
    try #require(status == 0, "\(output)")
    let disk = try patiently { try Disk(path: folder("image"), readOnly: true) }
    #expect(disk.size == UInt64(expected.count))
    #expect(try disk.contents() == expected)
    // In odd pieces too.
    for start in stride(from: 0, to: expected.count - 100_000, by: 377_777) {
      #expect(try disk.read(99_991, at: start).elementsEqual(expected[start..<start + 99_991]))
    }
    let report = try CheckReport(checking: folder("image"))
    #expect(report.errors == [])
    #expect(report.leakedClusters == 0)
    #expect((report.compressedClusters > 0) == compressed)
  }

  @Test func chain() throws {
    var expected = pattern(1 << 20, seed: 2)
    try makeFile(folder("base"), expected)
    try tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", "base", "-F", "raw", folder("middle"), "2M")
    try tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", folder("middle"), "-F", "qcow2", folder("top"), "3M")
    try tool("qemu-io", "-c", "write -P 7 100k 200k", "-c", "write -z 512k 128k", folder("middle"))
    try tool("qemu-io", "-c", "write -P 9 1000k 100k", "-c", "write -P 8 2900k 4k", folder("top"))
    expected += Array(repeating: 0, count: 2 << 20)
    expected.replaceSubrange(100 << 10..<300 << 10, with: repeatElement(7, count: 200 << 10))
    expected.replaceSubrange(512 << 10..<640 << 10, with: repeatElement(0, count: 128 << 10))
    expected.replaceSubrange(1000 << 10..<1100 << 10, with: repeatElement(9, count: 100 << 10))
    expected.replaceSubrange(2900 << 10..<2904 << 10, with: repeatElement(8, count: 4 << 10))
    #expect(try Disk(path: folder("top"), readOnly: true).contents() == expected)
    #expect(try ImageInfo(path: folder("top")).qcow2?.backing == folder("middle"))
    #expect(try ImageInfo(path: folder("middle")).qcow2?.backingPath == folder("base"))
  }

  @Test func rawReadsAsItIs() throws {
    let expected = pattern(1 << 20, seed: 3)
    try makeFile(folder("raw"), expected)
    let disk = try Disk(path: folder("raw"), readOnly: true)
    #expect(try disk.contents() == expected)
    #expect(throws: ImageError(folder("raw"), .readOnly)) { try disk.write([1], at: 0) }
    #expect(throws: ImageError(folder("raw"), .outOfRange(offset: 1 << 20, count: 1, size: 1 << 20))) {
      _ = try disk.read(1, at: 1 << 20)
    }
  }
}
