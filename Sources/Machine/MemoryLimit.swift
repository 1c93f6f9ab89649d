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
  /// Since when too much has been resident, at every look, without the guest's giving way: how much that was, and the
  /// most that its balloon has held by then; nil: at the last look it was not too much.
  private var beyond: (since: Instant, resident: UInt64, actual: UInt64)?

  /// Beyond the excess, and below the limit: so that the balloon does not follow every page.
  private var slack: UInt64 { bytes / 16 }
  /// So long is enough for a guest that obeys to give up some, on a busy host too, in nanoseconds. It is time and not
  /// looks, which come when anybody reads the meter.
  private static let patience: UInt64 = 30_000_000_000

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
  ///   - actual: what the guest says that it holds.
  ///   - least: what a person has asked it for.
  ///   - most: the most that it can be asked for.
  mutating func target(
    resident: UInt64, target: UInt64, actual: UInt64, least: UInt64, most: UInt64, at now: Instant
  ) -> UInt64? {
    guard resident > bytes else {
      beyond = nil
      let least = min(max(least, floor), most)
      // A person has asked for less, or the guest has begun anew.
      if target < least { return least }
      guard target > least, resident + 2 * slack < bytes else { return nil }
      // Half of the room: if the guest fills it, that is still below the limit.
      let room = (bytes - resident) / 2 / Configuration.pageBytes * Configuration.pageBytes
      return max(least, target - min(target, room))
    }
    hasBeenBeyond = true
    // Slack by slack: a page now and then is no giving way. One that touches memory as fast as it gives some up has its
    // time as well, until it has given all: its balloon then holds more than it ever did.
    if let before = beyond {
      if resident + slack <= before.resident || actual >= before.actual + slack {
        beyond = (now, resident, max(actual, before.actual))
      }
    } else {
      beyond = (now, resident, actual)
    }
    let wanted = Self.wholePages(actual + (resident - bytes) + slack)
    let new = min(max(wanted, least, floor), most)
    return new > target ? new : nil
  }

  /// Whether the guest has been asked long enough, and does not give way.
  func isInVain(at now: Instant) -> Bool {
    beyond.map { now.nanoseconds(since: $0.since) >= Self.patience } ?? false
  }
}
