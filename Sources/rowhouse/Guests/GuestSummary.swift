import Host
import Machine
import Metering

/// A guest in a line of `rowhouse list`.
struct GuestSummary: JSONDocument {
  let name: String
  let state: GuestFolder.State
  /// How it ended.
  let verdict: String?
  let exitStatus: Int32?
  /// The VMM's process, while it lives.
  let process: Int32?
  /// From the guest's first instruction to now, or to its end.
  let uptimeNanoseconds: UInt64?
  let cpus: Int?
  let memoryBytes: UInt64?
  /// What of the VMM's memory, the guest's with it, is in the host's RAM now.
  let residentBytes: UInt64?
  /// CPU time of the VMM, its vCPUs and devices, as of the meter's last sample: it never falls, not even when the VMM
  /// is killed.
  let cpuNanoseconds: UInt64?
  /// That as a share of one CPU: over the guest's life, or since the last look of ``CPUShares``. Nil for a VMM that
  /// takes no samples.
  fileprivate(set) var cpuPercent: Double?
  /// How many watch the console by `rowhouse console` and the like.
  let viewers: UInt64?

  /// When CPU time was that.
  fileprivate let sampled: Instant?

  /// What programs are told.
  private enum CodingKeys: CodingKey {
    case name, state, verdict, exitStatus, process, uptimeNanoseconds, cpus, memoryBytes, residentBytes, cpuNanoseconds
    case cpuPercent, viewers
  }

  /// The VMM of a guest that lives takes a sample every five seconds at the least often: one whose last is older than
  /// this, in nanoseconds, takes none.
  private static let oldestSample: UInt64 = 15_000_000_000

  /// - Parameters:
  ///   - look: nil: the guest cannot be looked at.
  ///   - now: nil: when it was looked at.
  init(_ folder: GuestFolder, _ look: GuestFolder.Look?, at now: Instant? = nil) {
    let now = now ?? look?.at ?? .now
    var look = look
    let meter = look?.meter
    if let meter, meter.state.isLive, let last = meter.sampled, now.nanoseconds(since: last) > Self.oldestSample {
      look?.isSilent = true
    }
    name = folder.name.description
    state = look?.state ?? .unknown
    let isOver = state.isOver
    verdict = isOver ? look?.verdict?.name : nil
    exitStatus = isOver ? GuestEnd(look?.verdict).exitStatus : nil
    process = isOver ? nil : meter?.process
    cpus = meter?.cpus.count
    memoryBytes = meter?.memoryBytes
    viewers = isOver ? nil : meter?.viewers
    let end = meter?.phases[.guestEnded] ?? (isOver ? meter?.sampled : now)
    uptimeNanoseconds = meter?.phases[.guestStarted].flatMap { start in end?.nanoseconds(since: start) }
    residentBytes = process.flatMap { try? ProcessMemory(of: $0).figures()?.resident }
    sampled = meter?.sampled
    cpuNanoseconds = sampled.flatMap { _ in meter?.busyNanoseconds }
    if state != .silent, let cpuNanoseconds, let sampled, let start = meter?.phases[.guestStarted], sampled > start {
      cpuPercent = CPUShares.percent(cpuNanoseconds, of: sampled.nanoseconds(since: start))
    } else {
      cpuPercent = nil
    }
  }
}

/// What guests use of a CPU from one look at them to the next.
struct CPUShares {
  private struct Sample {
    let cpuNanoseconds: UInt64
    let at: Instant
    /// The share that was shown with it.
    let percent: Double?
  }

  /// By the VMM's process.
  private var last: [Int32: Sample] = [:]

  /// Has the guests' shares be those since the last look; one that was not there keeps that over its life, and one that
  /// has not been sampled since what it had.
  mutating func look(at guests: inout [GuestSummary]) {
    var samples: [Int32: Sample] = [:]
    for index in guests.indices {
      guard let process = guests[index].process, let used = guests[index].cpuNanoseconds,
        let sampled = guests[index].sampled
      else { continue }
      if let last = last[process], guests[index].cpuPercent != nil, used >= last.cpuNanoseconds {
        guests[index].cpuPercent =
          sampled > last.at
          ? Self.percent(used - last.cpuNanoseconds, of: sampled.nanoseconds(since: last.at)) : last.percent
      }
      samples[process] = Sample(cpuNanoseconds: used, at: sampled, percent: guests[index].cpuPercent)
    }
    last = samples
  }

  fileprivate static func percent(_ used: UInt64, of time: UInt64) -> Double {
    (1000 * Double(used) / Double(time)).rounded() / 10
  }
}
