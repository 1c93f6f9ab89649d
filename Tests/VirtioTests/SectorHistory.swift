import Glibc

/// What each sector of a disk has been asked to hold, and when, so that it can be said what it may hold.
final class SectorHistory {
  /// A sector's 64 equal words.
  struct Contents: Equatable {
    let word: UInt64
    static let zeros = Contents(word: 0)
    fileprivate init(word: UInt64) { self.word = word }
    init(request: Int, sector: Int) { word = UInt64(request) << 32 | UInt64(sector) }
    var bytes: [UInt64] { [UInt64](repeating: word, count: 64) }
  }

  private struct Change {
    let contents: Contents
    /// What was there before may be there still: a discard.
    var isUncertain = false
    /// It is on stable storage when it is answered.
    var isDurable = false
    let start: Int
    var answer: Int?
  }

  private var sectors: [[Change]]
  private var flushes: [(start: Int, answer: Int?)] = []

  init(_ contents: [Contents]) {
    sectors = contents.map { [Change(contents: $0, isDurable: true, start: 0, answer: 0)] }
  }

  func begin(_ sector: Int, _ contents: Contents, isUncertain: Bool = false, isDurable: Bool = false, at moment: Int) {
    sectors[sector].append(
      Change(contents: contents, isUncertain: isUncertain, isDurable: isDurable, start: moment))
  }

  func answer(_ changed: Range<Int>, at moment: Int) {
    for sector in changed { sectors[sector][sectors[sector].count - 1].answer = moment }
  }

  /// - Returns: what ``answerFlush(_:at:)`` calls it.
  func beginFlush(at moment: Int) -> Int {
    flushes.append((moment, nil))
    return flushes.count - 1
  }

  func answerFlush(_ flush: Int, at moment: Int) { flushes[flush].answer = moment }

  /// The sectors that hold what they cannot, if the host lost power when there had been so many events.
  func wrongSectors(of disk: [UInt8], afterLossAt moment: Int) -> [Int] {
    let flush = flushes.filter { $0.answer.map { $0 < moment } ?? false }.map(\.start).max() ?? 0
    return sectors.indices.filter { sector in
      !mayHold(contents(disk, sector), sector, at: moment) { change, answer in
        answer < (change.isDurable ? moment : flush)
      }
    }
  }

  /// The sectors of a read that hold what they cannot; none is being changed.
  func wrongSectors(_ read: Range<Int>, as bytes: [UInt8], at moment: Int) -> [Int] {
    read.filter { sector in
      !mayHold(contents(bytes, sector - read.lowerBound), sector, at: moment) { _, _ in true }
    }
  }

  /// Goes back from the last change to the one that is surely there.
  private func mayHold(
    _ contents: Contents?, _ sector: Int, at moment: Int, isSure: (Change, _ answer: Int) -> Bool
  ) -> Bool {
    for change in sectors[sector].reversed() where change.start < moment || change.start == 0 {
      if change.contents == contents { return true }
      if let answer = change.answer, !change.isUncertain, answer == 0 || isSure(change, answer) { return false }
    }
    return false
  }

  /// nil when the words differ.
  private func contents(_ bytes: [UInt8], _ sector: Int) -> Contents? {
    // SAFETY: the sector's 512 bytes are within the array, and any bytes are valid integers.
    unsafe bytes.withUnsafeBytes { bytes in
      let sectorBytes = unsafe UnsafeRawBufferPointer(rebasing: bytes[sector * 512..<sector * 512 + 512])
      guard let base = sectorBytes.baseAddress, unsafe memcmp(base, base + 8, 504) == 0 else { return nil }
      return unsafe Contents(word: sectorBytes.load(as: UInt64.self))
    }
  }
}
