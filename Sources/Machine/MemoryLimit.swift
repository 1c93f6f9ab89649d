import Host

/// Keeps what a guest has in the host's memory below a limit, by its balloon.
///
/// A guest that stays below by itself keeps all its memory. One that has once been beyond is from then on left no more
/// than it may have: what it got back it could fill faster than anybody looks. One that does not give way has to end.
struct MemoryLimit {
  /// What may be resident, VMM included, in bytes.
  let bytes: UInt64
  /// What the guest was given, in bytes.
  let memoryBytes: UInt64
  private var hasBeenBeyond = false
  /// When anybody looked last, and whether too much was resident then.
  private var look: (at: Instant, isBeyond: Bool)?
  /// What being beyond has left behind; nil: nothing, or what there was is made up for.
  private var record: Record?

  /// How the guest gives way. It is kept until the guest has been below for as long as it was beyond: else one look
  /// below now and then would be enough to begin anew.
  private struct Record {
    /// Time beyond, less time below since then, in nanoseconds.
    var nanoseconds: UInt64 = 0
    /// The same, since the guest has last given way.
    var stalledNanoseconds: UInt64 = 0
    /// The least that has been resident beyond, and the most that the balloon has held.
    var resident: UInt64
    var actual: UInt64
  }

  /// Beyond the excess, and below the limit: so that the balloon does not follow every page.
  private var slack: UInt64 { bytes / 16 }
  /// So long is enough for a guest that obeys to give up some, on a busy host too, in nanoseconds. It is time and not
  /// looks, which come when anybody reads the meter.
  private static let patience: UInt64 = 30_000_000_000
  /// Looks are not further apart, even late ones, but where the VMM was stopped: nor was its guest asked meanwhile.
  private static let longestGap: UInt64 = 2 * HaltWatch.longest

  init(bytes: UInt64, memoryBytes: UInt64) {
    self.bytes = bytes
    self.memoryBytes = memoryBytes
  }

  /// What the balloon must hold for the guest to stay below, whatever it does.
  private var floor: UInt64 {
    hasBeenBeyond ? Self.wholePages(memoryBytes - min(memoryBytes, bytes - slack)) : 0
  }

  private static func wholePages(_ bytes: UInt64) -> UInt64 {
    (bytes + Configuration.pageBytes - 1) / Configuration.pageBytes * Configuration.pageBytes
  }

  /// The balloon's new target; nil: as it is.
  ///
  /// - Parameters:
  ///   - resident: bytes in the host's memory now.
  ///   - target: what the balloon is asked for now.
  ///   - actual: what the guest says that it holds; more than it is asked for counts for nothing.
  ///   - least: what a person has asked it for.
  ///   - most: the most that it can be asked for.
  mutating func target(
    resident: UInt64, target: UInt64, actual: UInt64, least: UInt64, most: UInt64, at now: Instant
  ) -> UInt64? {
    let actual = min(actual, target)
    note(resident, actual, at: now)
    guard resident > bytes else {
      let least = min(max(least, floor), most)
      // A person has asked for less, or the guest has begun anew.
      if target < least { return least }
      guard target > least, resident + 2 * slack < bytes else { return nil }
      // Half of the room: if the guest fills it, that is still below the limit.
      let room = (bytes - resident) / 2 / Configuration.pageBytes * Configuration.pageBytes
      return max(least, target - min(target, room))
    }
    hasBeenBeyond = true
    let wanted = Self.wholePages(actual + (resident - bytes) + slack)
    let new = min(max(wanted, least, floor), most)
    return new > target ? new : nil
  }

  /// The guest does not run: it cannot give way, and this time does not count.
  mutating func standStill() { look = nil }

  /// Time counts as beyond from a look that found too much up to the next, and as below between two that did not.
  private mutating func note(_ resident: UInt64, _ actual: UInt64, at now: Instant) {
    let (isBeyond, before) = (resident > bytes, look)
    look = (now, isBeyond)
    let passed = before.map { min(now.nanoseconds(since: $0.at), Self.longestGap) } ?? 0
    var record = record ?? Record(resident: resident, actual: actual)
    if before?.isBeyond ?? false {
      record.nanoseconds += passed
      record.stalledNanoseconds += passed
    } else if !isBeyond {
      record.nanoseconds -= min(passed, record.nanoseconds)
      record.stalledNanoseconds -= min(passed, record.stalledNanoseconds)
    }
    // Slack by slack: a page now and then is no giving way. One that touches memory as fast as it gives some up has its
    // time as well, until it has given all: its balloon then holds more than it ever did. So there is an end of both.
    if isBeyond, resident + slack <= record.resident || actual >= record.actual + slack {
      record.stalledNanoseconds = 0
      record.resident = min(resident, record.resident)
      record.actual = max(actual, record.actual)
    }
    self.record = isBeyond || record.nanoseconds > 0 ? record : nil
  }

  /// Whether the guest, which is beyond, has been asked long enough, and does not give way.
  var isInVain: Bool {
    look?.isBeyond ?? false && record.map { $0.stalledNanoseconds >= Self.patience } ?? false
  }
}
