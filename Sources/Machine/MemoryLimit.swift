import Host

/// Keeps what a guest has in the host's memory below a limit, by its balloon.
///
/// A guest that stays below by itself keeps all its memory. One that has once been beyond is from then on left no more
/// than it may have: what it got back it could fill faster than anybody looks.
struct MemoryLimit {
  /// What may be resident, VMM included, in bytes.
  let bytes: UInt64
  /// What the guest was given, in bytes.
  let memoryBytes: UInt64
  private var hasBeenBeyond = false
  /// A guest that does not give way has been told of.
  private var hasComplained = false
  /// Since when too much has been resident, at every look; nil: at the last it was not.
  private var beyondSince: Instant?

  /// Beyond the excess, and below the limit: so that the balloon does not follow every page.
  private var slack: UInt64 { bytes / 16 }
  /// So long is enough for a guest that obeys, in nanoseconds. It is time and not looks, which come when anybody reads
  /// the meter.
  private static let patience: UInt64 = 10_000_000_000

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
  ///   - least: what a person has asked it for.
  ///   - most: the most that it can be asked for.
  mutating func target(
    resident: UInt64, target: UInt64, actual: UInt64, least: UInt64, most: UInt64, at now: Instant
  ) -> UInt64? {
    guard resident > bytes else {
      beyondSince = nil
      let least = min(max(least, floor), most)
      // A person has asked for less, or the guest has begun anew.
      if target < least { return least }
      guard target > least, resident + 2 * slack < bytes else { return nil }
      // Half of the room: if the guest fills it, that is still below the limit.
      let room = (bytes - resident) / 2 / Configuration.pageBytes * Configuration.pageBytes
      return max(least, target - min(target, room))
    }
    hasBeenBeyond = true
    if beyondSince == nil { beyondSince = now }
    let wanted = Self.wholePages(actual + (resident - bytes) + slack)
    let new = min(max(wanted, least, floor), most)
    return new > target ? new : nil
  }

  /// Whether to tell a person, once, that the guest does not give way.
  mutating func isInVain(at now: Instant) -> Bool {
    guard let beyondSince, now.nanoseconds(since: beyondSince) >= Self.patience, !hasComplained else { return false }
    hasComplained = true
    return true
  }
}
