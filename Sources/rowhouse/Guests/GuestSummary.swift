import FoundationEssentials
import Glibc
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
  /// What of the VMM's memory, the guest's with it, is in the host's RAM.
  let residentBytes: UInt64?
  /// CPU time that the VMM has used, and that as a share of one CPU: over the guest's life, or since the last look of
  /// ``CPUShares``.
  let cpuNanoseconds: UInt64?
  fileprivate(set) var cpuPercent: Double?
  /// How many watch the console by `rowhouse console` and the like.
  let viewers: UInt64?

  /// - Parameter look: nil: there is no meter to look at.
  init(_ folder: GuestFolder, _ look: GuestFolder.Look?) {
    let meter = look?.meter
    name = folder.name.description
    state = look?.state ?? .crashed
    let isOver = state == .ended || state == .crashed
    verdict = isOver ? look?.verdict?.name : nil
    exitStatus = isOver ? GuestEnd(look?.verdict).exitStatus : nil
    process = isOver ? nil : meter?.process
    cpus = meter?.cpus.count
    memoryBytes = meter?.memoryBytes
    viewers = isOver ? nil : meter?.viewers
    let end = meter?.phases[.guestEnded] ?? (isOver ? meter?.sampled : .now)
    uptimeNanoseconds = meter?.phases[.guestStarted].flatMap { start in end?.nanoseconds(since: start) }
    let usage = process.flatMap(ProcessUsage.init)
    residentBytes = usage?.residentBytes
    cpuNanoseconds = usage?.cpuNanoseconds ?? (isOver ? meter?.cpuNanoseconds.saturatingSum : nil)
    if let cpuNanoseconds, let uptimeNanoseconds, uptimeNanoseconds > 0 {
      cpuPercent = CPUShares.percent(cpuNanoseconds, of: uptimeNanoseconds)
    } else {
      cpuPercent = nil
    }
  }
}

/// What guests use of a CPU from one look at them to the next.
struct CPUShares {
  /// By the VMM's process.
  private var last: [Int32: (cpuNanoseconds: UInt64, at: Instant)] = [:]

  /// Has the guests' shares be those since the last look; one that was not there keeps that over its life.
  mutating func look(at guests: inout [GuestSummary], now: Instant = .now) {
    var looks: [Int32: (cpuNanoseconds: UInt64, at: Instant)] = [:]
    for index in guests.indices {
      guard let process = guests[index].process, let used = guests[index].cpuNanoseconds else { continue }
      looks[process] = (used, now)
      guard let last = last[process], now > last.at, used >= last.cpuNanoseconds else { continue }
      guests[index].cpuPercent = Self.percent(used - last.cpuNanoseconds, of: now.nanoseconds(since: last.at))
    }
    last = looks
  }

  fileprivate static func percent(_ used: UInt64, of time: UInt64) -> Double {
    (1000 * Double(used) / Double(time)).rounded() / 10
  }
}

/// What a process uses, by /proc/PID/stat (proc(5)).
private struct ProcessUsage {
  let cpuNanoseconds: UInt64
  let residentBytes: UInt64

  init?(_ process: Int32) {
    guard let file = try? Descriptor.open("/proc/\(process)/stat", .readOnly), let bytes = try? file.read(atMost: 4096),
      let end = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    // From the third field, the state, on: a name may hold blanks.
    let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    guard fields.count > 21, let user = UInt64(fields[11]), let system = UInt64(fields[12]),
      let pages = UInt64(fields[21])
    else { return nil }
    cpuNanoseconds = (user + system) * (1_000_000_000 / UInt64(sysconf(Int32(_SC_CLK_TCK))))
    residentBytes = pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
  }
}
