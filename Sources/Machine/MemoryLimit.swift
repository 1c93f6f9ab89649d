import Host

/// Keeps what a guest has in the host's memory near a limit, by its balloon: what is too much the guest is asked to
/// give up, and when there is room again it gets that back by and by.
struct MemoryLimit {
  /// What may be resident, VMM included, in bytes.
  let bytes: UInt64
  /// A guest that does not give way has been told of.
  private var hasComplained = false
  /// Since when too much has been resident, at every look; nil: at the last it was not.
  private var beyondSince: Instant?

  /// Beyond the excess, and below the limit: so that the balloon does not follow every page.
  private var slack: UInt64 { bytes / 16 }
  /// So long is enough for a guest that obeys, in nanoseconds. It is time and not looks, which come when anybody reads
  /// the meter.
  private static let patience: UInt64 = 10_000_000_000

  init(bytes: UInt64) { self.bytes = bytes }

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
    let page = Configuration.pageBytes
    guard resident > bytes else {
      beyondSince = nil
      guard target > least, resident + 2 * slack < bytes else { return nil }
      // Half of the room: if the guest fills it, that is still below the limit.
      let room = (bytes - resident) / 2 / page * page
      return max(least, target - min(target, room))
    }
    if beyondSince == nil { beyondSince = now }
    let wanted = (actual + (resident - bytes) + slack + page - 1) / page * page
    let new = min(max(wanted, least), most)
    return new > target ? new : nil
  }

  /// Whether to tell a person, once, that the guest does not give way.
  mutating func isInVain(at now: Instant) -> Bool {
    guard let beyondSince, now.nanoseconds(since: beyondSince) >= Self.patience, !hasComplained else { return false }
    hasComplained = true
    return true
  }
}
