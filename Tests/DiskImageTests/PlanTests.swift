import Glibc
import Testing

@testable import DiskImage

/// Plans of writes, as an engine with many requests in flight uses them.
@Suite("Write plans")
struct PlanTests {
  private let folder = Folder()

  private func image() throws -> Qcow2 {
    try ImageCreation(format: .qcow2, size: 64 << 20).make(at: folder("image"))
    return try patiently { try Qcow2(try DiskFile(path: folder("image"), writable: true)) }
  }

  private func allocation(_ plan: Qcow2.WritePlan) throws -> Qcow2.Allocation {
    guard case .allocate(let allocation) = plan else { throw ToolFailed(description: "no allocation: \(plan)") }
    return allocation
  }

  /// What a plan is called, for comparisons.
  private func kind(_ plan: Qcow2.WritePlan) -> String {
    switch plan {
    case .inPlace: "in place"
    case .allocate: "allocate"
    case .busy: "busy"
    }
  }

  @Test func oneClusterIsAllocatedOnce() throws {
    let image = try image()
    let first = try allocation(try image.plan(writeAt: 4096, count: 512))
    #expect(first.before == 4096 && first.count == 512 && first.after == 64 << 10 - 4608 && first.isFresh)
    #expect(kind(try image.plan(writeAt: 0, count: 512)) == "busy")
    #expect(try !image.clear(0..<4, keepingRoom: false))
    #expect(try image.run(at: 4096, count: 512).run == .unallocated)
    // Others may be planned meanwhile, as long as nobody flushes.
    let second = try allocation(try image.plan(writeAt: 64 << 10, count: 128 << 10))
    #expect(second.clusters == 1..<3 && second.before == 0 && second.after == 0)
    try image.complete(second)
    try image.complete(first)
    #expect(try image.run(at: 4096, count: 512).run == .data(first.offset + 4096))
    #expect(kind(try image.plan(writeAt: 0, count: 64 << 10)) == "in place")
  }

  @Test func abandonedClustersAreFreeAgain() throws {
    let image = try image()
    let first = try allocation(try image.plan(writeAt: 0, count: 512))
    image.abandon(first)
    #expect(try image.run(at: 0, count: 512).run == .unallocated)
    try image.flush()
    let second = try allocation(try image.plan(writeAt: 0, count: 512))
    // The same place, of which nobody knows what is there.
    #expect(second.offset == first.offset && !second.isFresh)
    try image.complete(second)
    try image.flush()
    #expect(try Qcow2Check(image.header, image.file).run().leakedClusters == 0)
  }

  /// Zeros that keep their room give it to the next write; what it held before is written over.
  @Test func zerosKeepTheirRoom() throws {
    let image = try image()
    let first = try allocation(try image.plan(writeAt: 0, count: 192 << 10))
    try image.complete(first)
    try image.flush()
    #expect(try image.clear(0..<3, keepingRoom: true))
    let end = image.file.end
    for isGood in [false, true] {
      let second = try allocation(try image.plan(writeAt: 64 << 10 | 4096, count: 64 << 10))
      #expect(second.offset == first.offset + 64 << 10 && second.clusters == 1..<3)
      #expect(second.before == 4096 && second.after == 60 << 10 && !second.isFresh)
      #expect(kind(try image.plan(writeAt: 128 << 10, count: 512)) == "busy")
      if isGood { try image.complete(second) } else { image.abandon(second) }
      try image.flush()
      let run = try image.run(at: 64 << 10, count: 128 << 10)
      #expect(run.run == (isGood ? .data(first.offset + 64 << 10) : .zero) && run.count == 128 << 10)
    }
    #expect(image.file.end == end)
    #expect(try Qcow2Check(image.header, image.file).run().leakedClusters == 0)
  }

  /// What is written in place goes on during a flush, what needs tables waits.
  @Test func flushHoldsAllocationsBack() throws {
    let image = try image()
    try image.complete(try allocation(try image.plan(writeAt: 0, count: 64 << 10)))
    var syncs = 0
    while try image.advanceFlush() {
      syncs += 1
      #expect(kind(try image.plan(writeAt: 0, count: 512)) == "in place")
      #expect(kind(try image.plan(writeAt: 1 << 20, count: 512)) == "busy")
      #expect(try !image.clear(0..<1, keepingRoom: false))
      try image.file.sync()
    }
    #expect(syncs == 2)
    #expect(kind(try image.plan(writeAt: 1 << 20, count: 512)) == "allocate")
    // Without new tables one sync is enough.
    syncs = 0
    try ImageCreation(format: .qcow2, size: 1 << 20).make(at: folder("plain"))
    let plain = try patiently { try Qcow2(try DiskFile(path: folder("plain"), writable: true)) }
    while try plain.advanceFlush() { syncs += 1 }
    #expect(syncs == 1)
  }

  /// Segments of any length take what the disk has, over clusters of all kinds.
  @Test func segmentsOfAnyLength() throws {
    try makeFile(folder("base"), pattern(256 << 10, seed: 40))
    let base = try bytes(of: folder("base"))
    var creation = ImageCreation(overlaying: "base", format: .raw)
    creation.clusterSize = 4096
    try creation.make(at: folder("over"))
    let disk = try patiently { try Disk(path: folder("over"), readOnly: false) }
    try disk.write(Array(base[20_000..<30_000]), at: 20_000)
    var memory = [UInt8](repeating: 0xee, count: base.count)
    var chance = Chance(state: 41)
    // SAFETY: the pieces are parts of the array's memory, used within the closure only.
    try unsafe memory.withUnsafeMutableBytes { memory in
      var pieces: [iovec] = unsafe []
      var start = 0
      while start < memory.count {
        let count = min(memory.count - start, chance.below(3) == 0 ? 0 : 400 + chance.below(3000))
        unsafe pieces.append(iovec(iov_base: memory.baseAddress! + start, iov_len: count))
        start += count
      }
      // SAFETY: the pieces are of memory that outlives the call.
    try unsafe pieces.withUnsafeBufferPointer { unsafe try disk.read(Segments($0), at: 0) }
      // And back, one sector further on, but for the last pieces.
      unsafe pieces.removeLast(2)
      let total = unsafe pieces.reduce(0) { unsafe $0 + $1.iov_len }
      try unsafe pieces.withUnsafeBufferPointer { unsafe try disk.write(Segments($0), at: 512) }
      #expect(try disk.read(total, at: 512).elementsEqual(base[..<total]))
    }
    #expect(memory == base)
  }
}
