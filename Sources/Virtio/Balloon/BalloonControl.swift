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
    var hasStatistics = false
  }

  private let state = Mutex(State())
  /// Signalled to ask the guest for new statistics.
  let statisticsWanted: EventFD
  /// Signalled when the guest has said something new in ``statistics``.
  package let statisticsCame: EventFD

  package init() throws(SystemCallError) {
    statisticsWanted = try EventFD()
    statisticsCame = try EventFD()
  }

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
  package var statistics: BalloonStatistics { state.withLock { $0.statistics } }

  /// The guest's driver has come or gone.
  ///
  /// - Parameter hasStatistics: whether it has agreed to say something of the guest's memory.
  func driverChanged(hasStatistics: Bool) {
    state.withLock { state in
      state.hasStatistics = hasStatistics
      state.statistics = BalloonStatistics()
    }
  }

  func take(_ statistics: BalloonStatistics) {
    state.withLock { $0.statistics = statistics }
    statisticsCame.signal()
  }

  /// Asks the guest for new statistics. They come in its own time, and ``statisticsCame`` tells of them.
  ///
  /// - Returns: false when there is no driver that has agreed to say any.
  package func requestStatistics() -> Bool {
    guard state.withLock({ $0.hasStatistics }) else { return false }
    statisticsWanted.signal()
    return true
  }
}

/// What a guest's kernel says of its memory (virtio 1.2, 5.5.6.3), by the tags' numbers there.
package struct BalloonStatistics: Equatable, Sendable {
  /// The tags that there are.
  package static let tags = 0..<10
  private var values: InlineArray<10, UInt64?> = .init(repeating: nil)

  package init() {}

  /// In bytes, but for what is counted; nil: the guest does not say it.
  package subscript(tag: Int) -> UInt64? { values[tag] }

  package static func == (left: Self, right: Self) -> Bool { tags.allSatisfy { left[$0] == right[$0] } }

  static let entryBytes: UInt64 = 10
  /// More entries than there will ever be tags.
  static let mostBytes = 64 * entryBytes

  /// Reads entries of le16 tag and le64 value, in any order; those of unknown tags are left out, as is half an entry.
  init(parsing chain: DescriptorChain) throws(VirtioFault) {
    guard chain.writableBytes == 0, chain.readableBytes <= Self.mostBytes else { throw .malformedRequest }
    var offset: UInt64 = 0
    while offset + Self.entryBytes <= chain.readableBytes {
      let tag = Int(try chain.load(at: offset, as: UInt16.self))
      if Self.tags.contains(tag) { values[tag] = try chain.load(at: offset + 2, as: UInt64.self) }
      offset += Self.entryBytes
    }
  }
}
