import Devices
import Host
import Machine
import Metering

/// A run's record as programs read it. Times are in nanoseconds: moments since the VMM was started.
struct VerdictDocument: JSONDocument {
  struct Mark: Encodable {
    /// "boot_timer" or "post_code".
    let source: String
    let byte: UInt8
    let nanoseconds: UInt64
  }

  struct CPUTime: Encodable {
    /// The VMM's process, all threads: guest code counts as the system's.
    let vmmUser: UInt64
    let vmmSystem: UInt64
    /// Each vCPU's thread.
    let vcpus: [UInt64]
  }

  let verdict: String
  /// What the guest wrote to the debug exit port.
  let value: UInt32?
  let exitStatus: Int32
  let wallNanoseconds: UInt64
  let kernel: String
  let cpus: Int
  let memoryBytes: UInt64
  /// By the phase's name with its unit, "guest_started_nanoseconds"; those that were reached.
  let phases: [String: UInt64]
  let marks: [Mark]
  /// How often a vCPU left the guest, by reason.
  let exits: [String: UInt64]
  let console: [String: UInt64]
  let cpuNanoseconds: CPUTime

  init(_ record: RunRecord) {
    verdict = record.verdict.name
    value = if case .debugExit(let value) = record.verdict { value } else { nil }
    exitStatus = record.verdict.exitStatus
    wallNanoseconds = record.wallNanoseconds
    kernel = record.configuration.kernel
    cpus = record.configuration.cpuCount
    memoryBytes = record.configuration.memoryBytes

    let meter = record.meter
    phases = Self.named(meter?.phases) { ($0.name + "_nanoseconds", $1.nanoseconds(since: record.spawned)) }
    marks = (meter?.marks ?? []).map { mark in
      Mark(
        source: MarkSource(code: mark.source)?.name ?? "unknown", byte: mark.byte,
        nanoseconds: mark.instant.nanoseconds(since: record.spawned))
    }
    exits = Self.named(meter?.exits) { ($0.name, $1) }
    console = Self.named(meter?.console) { ($0.name, $1) }
    cpuNanoseconds = CPUTime(
      vmmUser: record.cpuTime.userNanoseconds, vmmSystem: record.cpuTime.systemNanoseconds,
      vcpus: meter?.cpuNanoseconds ?? [])
  }

  private static func named<Key, Value>(
    _ figures: [Key: Value]?, _ name: (Key, Value) -> (String, UInt64)
  ) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: (figures ?? [:]).map { name($0.key, $0.value) })
  }
}
