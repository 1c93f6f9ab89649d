import Host
import Synchronization

/// Tells a person what went wrong with a guest's devices.
///
/// A guest can bring some of it about as fast as it can write registers, and start anew in between. So of each device
/// the first time that something happens is told at once, and after each line there is none about it for twice as long
/// as after the one before, from a second up to an hour.
final class DeviceLog: Sendable {
  private struct Entry {
    /// How many times something has happened.
    var count: UInt64 = 0
    /// Until when nothing is said, and for how long after the next line, in nanoseconds.
    var silentUntil = Instant(nanoseconds: 0)
    var silence = firstSilence
  }

  private static let firstSilence: UInt64 = 1_000_000_000
  private static let longestSilence: UInt64 = 3600 * firstSilence

  /// What lines are about.
  enum Topic {
    /// The driver made a mistake that stops the device.
    case fault
    /// The host could not do what the device was asked for.
    case hostError
    /// The host lacks what the device would work better with.
    case lack
  }

  private struct Key: Hashable {
    let device: String
    let topic: Topic
  }

  private let entries = Mutex<[Key: Entry]>([:])
  private let say: @Sendable (String) -> Void

  init(say: @escaping @Sendable (String) -> Void = { StandardError.say($0) }) { self.say = say }

  /// - Parameters:
  ///   - device: what the person knows the device by.
  ///   - event: what happened to it.
  ///   - count: how many times since the last call.
  func note(_ device: String, _ topic: Topic, _ event: String, count: UInt64 = 1, at now: Instant = .now) {
    let total = entries.withLock { entries -> UInt64? in
      let key = Key(device: device, topic: topic)
      var entry = entries[key] ?? Entry()
      defer { entries[key] = entry }
      entry.count += count
      guard now >= entry.silentUntil else { return nil }
      entry.silentUntil = now.advanced(byNanoseconds: entry.silence)
      entry.silence = min(2 * entry.silence, Self.longestSilence)
      return entry.count
    }
    if let total { say("\(device): \(event)\(total > 1 ? " (\(total) times so far)" : "")") }
  }
}
