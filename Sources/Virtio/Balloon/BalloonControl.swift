import Host
import Synchronization

/// The host's end of a balloon: says how much memory the guest shall give up, and hears how much it has.
package final class BalloonControl: Sendable {
  /// A page as the device counts them, whatever the guest's own are (virtio 1.2, 5.5.6).
  package static let pageBytes: UInt64 = 4096

  private struct State {
    var targetPages: UInt32 = 0
    var actualPages: UInt32 = 0
    var statistics = BalloonStatistics()
  }

  private let state = Mutex(State())
  /// Signalled to ask the guest for new statistics.
  let statisticsWanted: EventFD

  package init() throws(SystemCallError) { statisticsWanted = try EventFD() }

  /// How many pages the guest shall give up. The guest hears of it by ``MMIOTransport/configurationChanged()``.
  package var targetPages: UInt32 {
    get { state.withLock { $0.targetPages } }
    set { state.withLock { $0.targetPages = newValue } }
  }

  /// How many pages the guest says that it has given up.
  package internal(set) var actualPages: UInt32 {
    get { state.withLock { $0.actualPages } }
    set { state.withLock { $0.actualPages = newValue } }
  }

  /// What the guest has said of its memory last, if it ever has.
  package internal(set) var statistics: BalloonStatistics {
    get { state.withLock { $0.statistics } }
    set { state.withLock { $0.statistics = newValue } }
  }

  /// Asks the guest for new statistics, which come in its own time.
  package func requestStatistics() { statisticsWanted.signal() }
}

/// What a guest's kernel says of its memory (virtio 1.2, 5.5.6.3); nil is what it does not say.
package struct BalloonStatistics: Equatable, Sendable {
  private var values: InlineArray<10, UInt64?> = .init(repeating: nil)

  package enum Tag: Int, CaseIterable, Sendable {
    /// Bytes, but for the faults, which are counted, as are failures.
    case swapIn = 0, swapOut, majorFaults, minorFaults, free, total, available, caches
    case hugePageAllocations, hugePageFailures
  }

  package init() {}

  package subscript(tag: Tag) -> UInt64? { values[tag.rawValue] }

  package static func == (left: Self, right: Self) -> Bool { Tag.allCases.allSatisfy { left[$0] == right[$0] } }

  static let entryBytes: UInt64 = 10
  /// More entries than there will ever be tags.
  static let mostBytes = 64 * entryBytes

  /// Reads entries of le16 tag and le64 value, in any order; those of unknown tags are left out, as is half an entry.
  init(parsing chain: DescriptorChain) throws(VirtioFault) {
    guard chain.writableBytes == 0, chain.readableBytes <= Self.mostBytes else { throw .malformedRequest }
    var offset: UInt64 = 0
    while offset + Self.entryBytes <= chain.readableBytes {
      if let tag = Tag(rawValue: Int(try chain.load(at: offset, as: UInt16.self))) {
        values[tag.rawValue] = try chain.load(at: offset + 2, as: UInt64.self)
      }
      offset += Self.entryBytes
    }
  }
}
