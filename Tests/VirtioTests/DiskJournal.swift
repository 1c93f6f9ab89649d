import DiskImage

/// What was done to a disk's file, in the order of time.
///
/// Sendable because the tests and its disk share one thread.
final class DiskJournal: @unchecked Sendable {
  enum Event {
    /// From now on a change may be on stable storage, or a part of it; a sync does its work.
    case began(Int)
    case ended(Int)
    /// Something happened between guest and disk.
    case guest
  }

  private(set) var events: [Event] = []
  private(set) var changes: [DiskFile.Change] = []

  /// The moment: how many events there have been.
  var now: Int { events.count }

  /// - Returns: what ``end(_:)`` calls it.
  func begin(_ change: DiskFile.Change) -> Int {
    changes.append(change)
    events.append(.began(changes.count - 1))
    return changes.count - 1
  }

  func end(_ change: Int) { events.append(.ended(change)) }

  /// Takes a change by a plain call, which is done when the call returns.
  func note(_ change: DiskFile.Change) { end(begin(change)) }

  func noteGuest() { events.append(.guest) }
}

/// What is on stable storage at a moment, and what may be: a sync brings there what had ended when it began.
struct StableStorage {
  private let journal: DiskJournal
  private var synced: [UInt8]
  /// In the order in which they began, with the moment at which each ended.
  private var unsynced: [(change: Int, end: Int?)] = []
  private var syncBegins: [Int: Int] = [:]
  private var moment = 0

  init(_ start: [UInt8], _ journal: DiskJournal) {
    synced = start
    self.journal = journal
  }

  /// What of the changes that no sync has brought there is there in spite of that.
  enum Kept: CaseIterable {
    case nothing, anyChanges, anySectors, one, allButOne
    /// The process is killed and not the host: all that has ended, and some of what has not.
    case ended
  }

  mutating func advance() {
    switch journal.events[moment] {
    case .began(let change):
      if case .sync = journal.changes[change] {
        syncBegins[change] = moment
      } else {
        unsynced.append((change, nil))
      }
    case .ended(let change):
      if let begin = syncBegins[change] {
        for (other, end) in unsynced where end.map({ $0 < begin }) ?? false { apply(other, to: &synced) { true } }
        unsynced.removeAll { $0.end.map { $0 < begin } ?? false }
      } else if let index = unsynced.firstIndex(where: { $0.change == change }) {
        unsynced[index].end = moment
      }
    case .guest: break
    }
    moment += 1
  }

  /// What a new start of the host finds in the file.
  func contents(_ kept: Kept, using random: inout SeededRandom) -> [UInt8] {
    var file = synced
    let one = unsynced.indices.randomElement(using: &random)
    for (index, (change, end)) in unsynced.enumerated() {
      let isKept =
        switch kept {
        case .nothing: false
        case .anyChanges: Bool.random(using: &random)
        case .anySectors: true
        case .one: index == one
        case .allButOne: index != one
        case .ended: end != nil || Bool.random(using: &random)
        }
      guard isKept else { continue }
      apply(change, to: &file) { kept == .anySectors ? Bool.random(using: &random) : true }
    }
    return file
  }

  /// Makes those sectors of a change that `isThere` takes.
  private func apply(_ change: Int, to file: inout [UInt8], isThere: () -> Bool) {
    let (offset, count, bytes): (UInt64, Int, [UInt8]?) =
      switch journal.changes[change] {
      case .write(let offset, let bytes): (offset, bytes.count, bytes)
      case .hole(let offset, let count): (offset, max(0, min(Int(count), file.count - Int(offset))), nil)
      case .sync: (0, 0, nil)
      }
    var done = 0
    while done < count {
      let place = Int(offset) + done
      let piece = min(count - done, 512 - place % 512)
      if isThere() {
        if file.count < place + piece { file += [UInt8](repeating: 0, count: place + piece - file.count) }
        let new = bytes.map { $0[done..<done + piece] } ?? [UInt8](repeating: 0, count: piece)[...]
        file.replaceSubrange(place..<place + piece, with: new)
      }
      done += piece
    }
  }
}
