import Glibc
import Host
import Testing

@testable import Virtio

/// A guest with up to eight requests under way at a disk, none of which touches another's sectors, as a file system
/// sees to it. What it reads must be there, and what it was promised is noted.
final class BusyGuest {
  private static let tags = 8
  private static let mostSectors = 32
  private let executor: RingBlockExecutor
  private let history: SectorHistory
  private let journal: DiskJournal
  private let sectorCount: Int
  private let memory: Mapping
  private var random: SeededRandom
  /// By tag.
  private var underWay: [Int: (request: BlockRequest, sectors: Range<Int>, flush: Int?)] = [:]

  init(_ executor: RingBlockExecutor, _ history: SectorHistory, _ journal: DiskJournal, seed: UInt64) throws {
    self.executor = executor
    self.history = history
    self.journal = journal
    sectorCount = Int(executor.backend.byteCount / 512)
    memory = try .anonymous(Self.tags * Self.mostSectors * 512)
    random = SeededRandom(seed: ~seed)
  }

  /// Asks for so many things, the last of which is a flush of all.
  func run(requests: Int) throws {
    var asked = 1
    while asked < requests || !underWay.isEmpty {
      if asked < requests, underWay.count < Self.tags, Int.random(in: 0..<3, using: &random) > 0, ask(asked + 1) {
        asked += 1
      }
      takeAnswers()
    }
    start(.flush, 0..<0, number: requests)
    while !underWay.isEmpty { takeAnswers() }
  }

  private func takeAnswers() {
    _ = executor.submit()
    while let (tag, status) = executor.takeFinished() { answered(tag, status) }
  }

  /// - Returns: whether there was something to ask for.
  private func ask(_ number: Int) -> Bool {
    let kind = Int.random(in: 0..<20, using: &random)
    if kind < 3 {
      start(.flush, 0..<0, number: number)
      return true
    }
    let first = Int.random(in: 0..<sectorCount, using: &random)
    let count = Int.random(in: 1...min(Self.mostSectors, sectorCount - first), using: &random)
    let sectors = first..<first + count
    guard !underWay.values.contains(where: { $0.sectors.overlaps(sectors) }) else { return false }
    let (offset, bytes) = (UInt64(first) * 512, UInt64(count) * 512)
    let request: BlockRequest =
      switch kind {
      case 3..<5: .discard(at: offset, count: bytes)
      case 5..<7:
        .writeZeroes(
          at: offset, count: bytes, mayUnmap: .random(using: &random), isDurable: .random(using: &random))
      case 7..<10: .read(at: offset, count: bytes)
      case 10: .write(at: offset, count: bytes, isDurable: true)
      default: .write(at: offset, count: bytes, isDurable: false)
      }
    start(request, sectors, number: number)
    return true
  }

  private func buffer(_ tag: Int, _ sectors: Range<Int>) -> UnsafeMutableRawBufferPointer {
    // SAFETY: each tag has a part of the memory to itself, and a request no more sectors than that holds.
    unsafe UnsafeMutableRawBufferPointer(
      start: memory.base + tag * Self.mostSectors * 512, count: sectors.count * 512)
  }

  private func start(_ request: BlockRequest, _ sectors: Range<Int>, number: Int) {
    let tag = (0..<Self.tags).first { underWay[$0] == nil }!
    // SAFETY: the memory is this request's until it is answered; the list is there for the call.
    let buffer = unsafe buffer(tag, sectors)
    journal.noteGuest()
    var flush: Int?
    switch request {
    case .flush: flush = history.beginFlush(at: journal.now)
    case .write(_, _, let isDurable):
      for (index, sector) in sectors.enumerated() {
        let contents = SectorHistory.Contents(request: number, sector: sector)
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[index * 512..<index * 512 + 512])
          .copyBytes(from: contents.bytes.withUnsafeBytes { unsafe Array($0) })
        history.begin(sector, contents, isDurable: isDurable, at: journal.now)
      }
    case .discard: for sector in sectors { history.begin(sector, .zeros, isUncertain: true, at: journal.now) }
    case .writeZeroes(_, _, _, let isDurable):
      for sector in sectors { history.begin(sector, .zeros, isDurable: isDurable, at: journal.now) }
    case .read, .identify, .refused: break
    }
    underWay[tag] = (request, sectors, flush)
    let cut = sectors.isEmpty ? 0 : Int.random(in: 0..<buffer.count, using: &random)
    // SAFETY: as above; both pieces are within it.
    let pieces = unsafe [
      iovec(iov_base: buffer.baseAddress, iov_len: cut),
      iovec(iov_base: buffer.baseAddress! + cut, iov_len: buffer.count - cut),
    ]
    // SAFETY: as above.
    let status = unsafe pieces.withUnsafeBufferPointer { unsafe executor.start(request, tag: tag, $0) }
    if let status { answered(tag, status) }
  }

  private func answered(_ tag: Int, _ status: BlockStatus) {
    guard let (request, sectors, flush) = underWay.removeValue(forKey: tag) else {
      Issue.record("answered twice")
      return
    }
    #expect(status == .ok)
    switch request {
    case .read:
      // SAFETY: the request has finished.
      let bytes = unsafe Array(buffer(tag, sectors))
      #expect(history.wrongSectors(sectors, as: bytes, at: journal.now) == [], "sectors that were read")
    case .flush: history.answerFlush(flush!, at: journal.now)
    case .write, .writeZeroes, .discard: history.answer(sectors, at: journal.now)
    case .identify, .refused: break
    }
    journal.noteGuest()
  }
}
