import DiskImage
import Glibc
import Host
import Metering
import Testing

@testable import Virtio

/// Disks that differ in what a request has to go through.
enum DiskKind: CaseIterable, Sendable {
  case raw, direct, qcow2, overlay
}

/// A disk of a megabyte under a ``RingBlockExecutor``, and what it must hold.
private final class RingBench {
  static let sectors = 2048
  static let slotBytes = 64 << 10
  static let slots = 32
  let path: String
  let executor: RingBlockExecutor
  private(set) var model: [UInt8]
  /// Sectors that were discarded, so that anything may be there.
  private var isUnknown = [Bool](repeating: false, count: sectors)
  let folder = TestFolder()
  private let memory: Mapping
  private(set) var reports: [String] = []

  struct Request {
    var request: BlockRequest
    var sectors: Range<Int>
    var cut: Int
  }

  init(_ kind: DiskKind, isPrompt: Bool = false, chance: inout SeededRandom) throws {
    path = folder.path + "/disk"
    memory = try .anonymous(Self.slots * Self.slotBytes)
    let start = (0..<800).flatMap { _ in repeatElement(UInt8.random(in: 0...255, using: &chance), count: 512) }
    let size = Self.sectors * 512
    model = kind == .qcow2 ? [] : start
    model += [UInt8](repeating: 0, count: size - model.count)
    // The base of an overlay ends before the disk does.
    let contents = kind == .overlay ? start : model
    if kind != .qcow2 {
      let file = try Descriptor.open(kind == .overlay ? folder.path + "/base" : path, [.readWrite, .create])
      // SAFETY: the array is alive for the call.
      try unsafe contents.withUnsafeBytes { unsafe try file.writeAll($0, at: 0) }
    }
    if kind == .qcow2 || kind == .overlay {
      var creation = kind == .qcow2 ? ImageCreation(format: .qcow2) : ImageCreation(overlaying: "base", format: .raw)
      creation.size = UInt64(size)
      creation.clusterSize = 4096
      try creation.make(at: path)
    }
    let disk = try Disk(path: path, format: kind == .raw ? .raw : nil, readOnly: false, isDirect: kind == .direct)
    let backend = DiskBackend(disk, serial: []) { error in Issue.record("\(error)") }
    executor = try RingBlockExecutor(backend, promptWrites: isPrompt ? PromptWrites() : nil)
  }

  /// The request's bytes, in a place of their own.
  private func slot(_ index: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
    // SAFETY: slots do not overlap and lie in the mapping; a request has at most 64 KiB.
    unsafe UnsafeMutableRawBufferPointer(start: memory.base + index * Self.slotBytes, count: count)
  }

  /// Starts requests for sectors that do not overlap, all at once, and waits for them.
  func run(_ requests: [Request], fill: () -> UInt8) {
    var left = Set(requests.indices)
    func finish(_ tag: Int, _ status: BlockStatus) {
      #expect(status == .ok)
      #expect(left.remove(tag) != nil, "answered once")
    }
    for (tag, request) in requests.enumerated() {
      // SAFETY: the slot is this request's, and the list is alive for the call.
      let bytes = unsafe slot(tag, request.sectors.count * 512)
      if case .write = request.request {
        for sector in request.sectors.indices {
          let start = (sector - request.sectors.lowerBound) * 512
          unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + 512]).initializeMemory(
            as: UInt8.self, repeating: fill())
        }
      }
      let pieces = unsafe [
        iovec(iov_base: bytes.baseAddress, iov_len: request.cut),
        iovec(iov_base: bytes.baseAddress! + request.cut, iov_len: bytes.count - request.cut),
      ]
      // SAFETY: as above.
      let status = unsafe pieces.withUnsafeBufferPointer { unsafe executor.start(request.request, tag: tag, $0) }
      if let status { finish(tag, status) }
    }
    _ = executor.submit()
    while !left.isEmpty {
      if let (tag, status) = executor.takeFinished() {
        finish(tag, status)
        continue
      }
      if !executor.submit() { wait() }
    }
    for (tag, request) in requests.enumerated() { note(request, tag) }
  }

  /// Waits as the I/O thread does: for the event.
  private func wait() {
    // SAFETY: one local structure.
    var event = pollfd(fd: executor.finishedSource!, events: Int16(POLLIN), revents: 0)
    let count = unsafe poll(&event, 1, 10_000)
    #expect(count == 1, "something finishes within ten seconds")
  }

  private func note(_ request: Request, _ tag: Int) {
    let bytes = request.sectors.lowerBound * 512..<request.sectors.upperBound * 512
    switch request.request {
    case .read:
      // SAFETY: the request has finished.
      expect(unsafe Array(slot(tag, bytes.count)), at: request.sectors)
    case .write:
      unsafe model.replaceSubrange(bytes, with: slot(tag, bytes.count))
      for sector in request.sectors { isUnknown[sector] = false }
    case .writeZeroes:
      model.replaceSubrange(bytes, with: repeatElement(0, count: bytes.count))
      for sector in request.sectors { isUnknown[sector] = false }
    case .discard: for sector in request.sectors { isUnknown[sector] = true }
    case .flush, .identify, .refused: break
    }
  }

  /// A batch of requests for disjoint sectors, at most 64 KiB each.
  func batch(_ chance: inout SeededRandom) -> [Request] {
    var requests: [Request] = []
    var sector = Int.random(in: 0..<64, using: &chance)
    while requests.count < Self.slots, sector < Self.sectors {
      let count = min(Int.random(in: 1...128, using: &chance), Self.sectors - sector)
      let (offset, bytes) = (UInt64(sector) * 512, UInt64(count) * 512)
      let request: BlockRequest = switch Int.random(in: 0..<20, using: &chance) {
      case 0: .flush
      case 1: .discard(at: offset, count: bytes)
      case 2:
        .writeZeroes(
          at: offset, count: bytes, mayUnmap: .random(using: &chance), isDurable: .random(using: &chance))
      case 3..<10: .read(at: offset, count: bytes)
      case 10: .write(at: offset, count: bytes, isDurable: true)
      default: .write(at: offset, count: bytes, isDurable: false)
      }
      // Direct I/O takes memory that is aligned, and has to copy what is not.
      let cut = Bool.random(using: &chance) ? 512 * Int.random(in: 0..<count, using: &chance) : Int.random(in: 0..<512, using: &chance)
      requests.append(Request(request: request, sectors: sector..<sector + count, cut: cut))
      sector += count + Int.random(in: 0...64, using: &chance)
    }
    return requests.shuffled(using: &chance)
  }

  /// What another process that opens the disk sees.
  func expectContents(of path: String) throws {
    let disk = try Disk(path: path, format: nil, readOnly: true)
    var bytes = [UInt8](repeating: 1, count: Self.sectors * 512)
    // SAFETY: the array is alive for the call.
    try unsafe bytes.withUnsafeMutableBytes { unsafe try disk.read(Segments($0), at: 0) }
    expect(bytes, at: 0..<Self.sectors)
  }

  private func expect(_ bytes: [UInt8], at sectors: Range<Int>) {
    let differ = sectors.filter { sector in
      let start = (sector - sectors.lowerBound) * 512
      return !isUnknown[sector] && bytes[start..<start + 512] != model[sector * 512..<sector * 512 + 512]
    }
    #expect(differ == [], "sectors")
  }
}

@Suite("Block, io_uring")
struct RingBlockExecutorTests {
  @Test(arguments: DiskKind.allCases, 0..<4 as Range<UInt64>)
  func manyAtOnce(kind: DiskKind, seed: UInt64) throws {
    var chance = SeededRandom(seed: seed)
    let bench: RingBench
    do { bench = try RingBench(kind, isPrompt: seed % 2 == 1, chance: &chance) } catch let error as ImageError {
      guard case .noDirectAccess = error.reason else { throw error }
      return print("not tested, the file system of /tmp has no direct I/O: \(error)")
    }
    for _ in 0..<12 { bench.run(bench.batch(&chance)) { UInt8.random(in: 0...255, using: &chance) } }
    // What was flushed is in the file, and nothing there contradicts itself: opened to be written, an image is checked
    // completely.
    bench.run([.init(request: .flush, sectors: 0..<1, cut: 0)]) { 0 }
    let copy = try bench.folder.copy(bench.path)
    _ = try Disk(path: copy, readOnly: false)
    try bench.expectContents(of: copy)
  }

  /// Nothing comes back after a reset, and the kernel is done with the memory.
  @Test(arguments: DiskKind.allCases.filter { $0 != .direct }) func drains(kind: DiskKind) throws {
    var chance = SeededRandom(seed: 7)
    let bench = try RingBench(kind, chance: &chance)
    for _ in 0..<20 {
      var bytes = [UInt8](repeating: 5, count: 4096)
      // SAFETY: the executor is drained before the array ends.
      unsafe bytes.withUnsafeMutableBytes { bytes in
        let pieces = unsafe [iovec(iov_base: bytes.baseAddress, iov_len: 4096)]
        unsafe pieces.withUnsafeBufferPointer { pieces in
          for tag in 0..<16 {
            let request: BlockRequest = tag == 5 ? .flush : .write(at: UInt64(tag) * 4096, count: 4096, isDurable: tag > 12)
            _ = unsafe executor(bench).start(request, tag: tag, pieces)
          }
        }
        _ = executor(bench).drain()
      }
      #expect(executor(bench).takeFinished() == nil)
    }
    // And goes on as before.
    let sectors = 512..<520
    bench.run([.init(request: .write(at: 512 * 512, count: 4096, isDurable: true), sectors: sectors, cut: 100)]) { 9 }
    bench.run([.init(request: .read(at: 512 * 512, count: 4096), sectors: sectors, cut: 0)]) { 0 }
  }

  /// What was moved for a guest is in its meter, though it resets the device before anything is answered.
  @Test(arguments: [(ImageFormat.raw, true), (.raw, false), (.qcow2, false)])
  func aResetHidesNothing(format: ImageFormat, isRead: Bool) throws {
    var answers = 0
    for seed in 0..<8 as Range<UInt64> {
      let (folder, journal) = (TestFolder(), DiskJournal())
      let path = folder.path + "/disk"
      var creation = ImageCreation(format: format, size: 1 << 20)
      creation.clusterSize = 4096
      try creation.make(at: path)
      if isRead {
        let bytes = [UInt8](repeating: 0x11, count: 1 << 20)
        // SAFETY: the array is alive for the call.
        try unsafe bytes.withUnsafeBytes { unsafe try Descriptor.open(path, [.readWrite]).writeAll($0, at: 0) }
      }
      let disk = try Disk(path: path, format: format, readOnly: false)
      let file = SharedDescriptor(try .memory(named: "meter"))
      let page = try MeterPage(
        in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1, diskCount: 1), memoryBytes: 0,
        process: 1)
      let bench = try BlockBench(
        RingBlockExecutor(DiskBackend(disk, serial: []) { _ in }, ReorderingRing(journal, seed: seed)), queueSize: 64,
        meter: page.disk(0))
      let data = (0..<8 as Range<UInt64>).map { BlockBench.data + $0 << 14 }
      for slot in 0..<8 {
        let buffer: DriverQueue.Buffer = isRead ? .writable(data[slot], 1 << 14) : .readable(data[slot], 1 << 14)
        bench.offer(isRead ? 0 : 1, sector: UInt64(slot) * 32, [buffer], slot: UInt64(slot))
      }
      bench.driver.kick()
      answers += Int(bench.driver.queues[0].usedIndex)
      bench.driver.write(.status, 0)
      let meter = try #require(try MeterReading(of: file.descriptor)).disks[0]
      if isRead {
        let moved = bench.driver.bytes(data[0], 8 << 14).count { $0 == 0x11 }
        #expect(moved > 0 && meter.read.bytes == UInt64(moved), "seed \(seed)")
      } else {
        let moved = journal.changes.reduce(0) { if case .write(_, let bytes) = $1 { $0 + bytes.count } else { $0 } }
        #expect(moved > 0 && meter.written.bytes == UInt64(moved), "seed \(seed)")
      }
      let side = isRead ? meter.read : meter.written
      #expect(side.requests == side.latencies.total && side.failures == 0)
    }
    #expect(answers < 64, "some are given up")
  }

  private func executor(_ bench: RingBench) -> RingBlockExecutor { bench.executor }

  /// What empties blocks waits in line where there are tables; it is then done one at a time too.
  @Test func clearingOneAtATime() throws {
    var chance = SeededRandom(seed: 3)
    let bench = try RingBench(.qcow2, chance: &chance)
    var bytes = [UInt8](repeating: 5, count: 4096)
    // SAFETY: all requests have finished before the array ends.
    try unsafe bytes.withUnsafeMutableBytes { bytes in
      let pieces = unsafe [iovec(iov_base: bytes.baseAddress, iov_len: 4096)]
      unsafe pieces.withUnsafeBufferPointer { pieces in
        let write = BlockRequest.write(at: 0, count: 4096, isDurable: false)
        #expect(unsafe executor(bench).start(write, tag: 0, pieces) == nil)
        for tag in 1..<9 {
          let discard = BlockRequest.discard(at: UInt64(tag) * 4096, count: 4096)
          #expect(unsafe executor(bench).start(discard, tag: tag, pieces) == nil)
        }
      }
      _ = executor(bench).submit()
      var rounds = 0
      var answered = 0
      while answered < 9 {
        var inRound = 0
        while executor(bench).takeFinished() != nil { inRound += 1 }
        #expect(inRound <= 2, "the write, and one of the others")
        answered += inRound
        rounds += 1
        if answered == 0 { usleep(100) }
        let wantsMore = executor(bench).submit()
        #expect(wantsMore == (answered > 0 && answered < 9))
        try #require(rounds < 10_000)
      }
    }
  }

  /// Less than a cluster gives nothing back: a driver is told not to ask for it.
  @Test(arguments: [(ImageFormat.raw, 8), (.qcow2, 128)] as [(ImageFormat, UInt32)])
  func discardsAreOfClusters(format: ImageFormat, sectors: UInt32) throws {
    let folder = TestFolder()
    try ImageCreation(format: format, size: 1 << 20).make(at: folder.path + "/disk")
    let disk = try Disk(path: folder.path + "/disk", format: format, readOnly: false)
    let bench = try BlockBench(SynchronousBlockExecutor(DiskBackend(disk, serial: []) { _ in }))
    #expect(bench.driver.readConfiguration(44, as: UInt32.self) == sectors)
  }

  /// The whole device: the driver finds its answer when the event has told of it.
  @Test func behindItsTransport() throws {
    let folder = TestFolder()
    let file = try Descriptor.open(folder.path + "/disk", [.readWrite, .create])
    try file.truncate(to: 1 << 20)
    let disk = try Disk(path: folder.path + "/disk", format: .raw, readOnly: false)
    let bench = try BlockBench(RingBlockExecutor(DiskBackend(disk, serial: []) { _ in }), queueSize: 64)
    let pattern = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    bench.driver.put(pattern, at: BlockBench.data)
    for slot in 0..<16 as Range<UInt64> {
      bench.offer(1, sector: slot * 8, [.readable(BlockBench.data, 4096)], slot: slot)
    }
    bench.driver.kick()
    var answers = 0
    while answers < 16 {
      if bench.driver.queues[0].takeUsed() != nil { answers += 1 } else { bench.driver.pump() }
    }
    #expect(bench.driver.bytes(BlockBench.status, 16) == [UInt8](repeating: 0, count: 16))
    #expect(try file.read(count: 16 * 4096, at: 0) == Array(repeatElement(pattern, count: 16).joined()))
  }
}
