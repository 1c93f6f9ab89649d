import Glibc
import Host
import Testing

@testable import DiskImage
@testable import Virtio

/// What is left of a disk when the host loses power while io_uring works on it: at any moment, with any part of what no
/// sync has brought to stable storage, and whatever order the kernel does requests in.
@Suite("Power loss, io_uring")
struct PowerLossTests {
  enum Kind: CaseIterable { case raw, qcow2, overlay }

  private static let sectors = 256
  private let folder = TestFolder()
  private var path: String { folder.path + "/disk" }

  /// Makes a disk, and gives what its sectors hold.
  private func make(_ kind: Kind) throws -> [SectorHistory.Contents] {
    let contents = (0..<Self.sectors).map { SectorHistory.Contents(request: 1, sector: $0) }
    if kind != .qcow2 {
      let file = try Descriptor.open(kind == .raw ? path : folder.path + "/base", [.readWrite, .create])
      for (sector, contents) in contents.enumerated() {
        // SAFETY: the array is alive for the call.
        try unsafe contents.bytes.withUnsafeBytes { unsafe try file.writeAll($0, at: UInt64(sector) * 512) }
      }
      if kind == .raw { return contents }
    }
    var creation = kind == .qcow2 ? ImageCreation(format: .qcow2) : ImageCreation(overlaying: "base", format: .raw)
    creation.size = UInt64(Self.sectors * 512)
    creation.clusterSize = kind == .qcow2 ? 4096 : 512
    try creation.make(at: path)
    return kind == .overlay ? contents : [SectorHistory.Contents](repeating: .zeros, count: Self.sectors)
  }

  /// With and without writes that are done at once, among the others.
  @Test(arguments: Kind.allCases, 0..<4 as Range<UInt64>)
  func keepsWhatWasFlushed(kind: Kind, seed: UInt64) throws {
    let history = SectorHistory(try make(kind))
    let start = try bytes()
    let journal = DiskJournal()
    do {
      let disk = try Disk(path: path, format: kind == .raw ? .raw : .qcow2, readOnly: false)
      disk.writtenFile.journal = { journal.note($0) }
      let backend = DiskBackend(disk, serial: []) { Issue.record("\($0)") }
      let executor = RingBlockExecutor(
        backend, ReorderingRing(journal, seed: seed), promptWrites: seed % 2 == 1 ? PromptWrites() : nil)
      try BusyGuest(executor, history, journal, seed: seed).run(requests: 100)
    }

    var random = SeededRandom(seed: seed)
    var storage = StableStorage(start, journal)
    for moment in 1...journal.now {
      storage.advance()
      for kept in [.nothing, StableStorage.Kept.allCases[moment % StableStorage.Kept.allCases.count]] {
        let left = storage.contents(kept, using: &random)
        try judge(left, kind, history, at: moment, "kept: \(kept)", qemu: moment % 100 == 0)
      }
    }
    #expect(try storage.contents(.ended, using: &random) == bytes(), "the journal tells all that was done to the file")
  }

  private func bytes() throws -> [UInt8] {
    let file = try Descriptor.open(path, .readOnly)
    return try file.read(count: Int(try file.status().size), at: 0)
  }

  private func judge(
    _ left: [UInt8], _ kind: Kind, _ history: SectorHistory, at moment: Int, _ how: String, qemu: Bool
  ) throws {
    let file = try Descriptor.memory(named: "left")
    // SAFETY: the array is alive for the call.
    try unsafe left.withUnsafeBytes { unsafe try file.writeAll($0, at: 0) }
    if qemu, kind != .raw { try expectSound(left, moment, how) }
    // Its path is where its base is.
    let image = try DiskFile(file, path: path, writable: false)
    if kind != .raw {
      try #require(try Qcow2Check(try Qcow2Header(of: image), image).run().errors == [], "moment \(moment), \(how)")
    }
    let disk = try Disk(image, format: kind == .raw ? .raw : .qcow2)
    var now = [UInt8](repeating: 0xee, count: Self.sectors * 512)
    // SAFETY: the array is alive for the call.
    try unsafe now.withUnsafeMutableBytes { unsafe try disk.read(Segments($0), at: 0) }
    let wrong = history.wrongSectors(of: now, afterLossAt: moment)
    try #require(wrong == [], "moment \(moment), \(how): sectors that lost what was flushed")
  }

  /// QEMU's check finds leaks at most (status 3).
  private func expectSound(_ left: [UInt8], _ moment: Int, _ how: String) throws {
    let copy = path + ".copy"
    let file = try Descriptor.open(copy, [.writeOnly, .create, .truncate])
    // SAFETY: the array is alive for the call.
    try unsafe left.withUnsafeBytes { unsafe try file.writeAll($0, at: 0) }
    let null = try Descriptor.open("/dev/null", .readWrite)
    let check = try ChildProcess(
      "/usr/bin/env", ["qemu-img", "check", "-q", "-f", "qcow2", copy],
      descriptors: [null.number, null.number, null.number])
    while true {
      if let end = try check.collect()?.end {
        #expect([.exited(status: 0), .exited(status: 3)].contains(end), "moment \(moment), \(how)")
        return
      }
      usleep(1000)
    }
  }
}
