import Host
import Machine
import Metering

/// What a guest used from its start to its end, as the ledger keeps it. All of it is from the last state of the
/// guest's meter.
struct LedgerRecord: Codable, Equatable {
  /// What tells this run from every other; the ledger has it once.
  let run: String
  let name: String?
  /// How the guest ended; "crashed" when its VMM was gone before it could say.
  let verdict: String
  /// When the VMM was started, and when the guest had ended, or was last seen: ISO 8601, UTC.
  let started: String
  let ended: String
  /// Of the guest, from its first instruction on.
  let runNanoseconds: UInt64
  let cpus: Int
  let memoryBytes: UInt64
  /// CPU time of the vCPUs, and of the rest of the VMM.
  let cpuNanoseconds: UInt64
  let deviceNanoseconds: UInt64
  let throttledNanoseconds: UInt64
  /// For how long the host's control group held the VMM back, summed over CPUs; nil in records of before it was kept.
  let hostThrottledNanoseconds: UInt64?
  let residentPeakBytes: UInt64
  let residentByteSeconds: UInt64
  let diskReadBytes: UInt64
  let diskWrittenBytes: UInt64
  let diskReads: UInt64
  let diskWrites: UInt64
  let networkReceivedBytes: UInt64
  let networkSentBytes: UInt64
  let networkReceivedPackets: UInt64
  let networkSentPackets: UInt64
  let consoleBytes: UInt64

  /// - Returns: nil for a guest that never ran.
  init?(_ name: String?, _ verdict: String?, _ meter: MeterReading) {
    guard let guestStarted = meter.phases[.guestStarted] else { return nil }
    run = meter.run
    self.name = name
    self.verdict = verdict ?? Verdict(meter)?.name ?? GuestFolder.State.crashed.rawValue
    started = CalendarText.utc(nanosecondsSince1970: meter.startedSince1970)
    let ended = meter.phases[.guestEnded] ?? meter.sampled ?? guestStarted
    self.ended = CalendarText.utc(nanosecondsSince1970: meter.nanosecondsSince1970(ended) ?? meter.startedSince1970)
    runNanoseconds = meter.runNanoseconds ?? 0
    cpus = meter.cpus.count
    memoryBytes = meter.memoryBytes
    func sum<Part>(_ parts: [Part], _ figure: (Part) -> UInt64) -> UInt64 { parts.lazy.map(figure).saturatingSum }
    cpuNanoseconds = sum(meter.cpus, \.runNanoseconds)
    deviceNanoseconds = meter.deviceNanoseconds
    throttledNanoseconds = sum(meter.cpus, \.throttledNanoseconds)
    hostThrottledNanoseconds = meter.hostThrottledNanoseconds
    residentPeakBytes = meter.residentPeakBytes
    residentByteSeconds = meter.residentByteSeconds
    diskReadBytes = sum(meter.disks, \.read.bytes)
    diskWrittenBytes = sum(meter.disks, \.written.bytes)
    diskReads = sum(meter.disks, \.read.requests)
    diskWrites = sum(meter.disks, \.written.requests)
    networkReceivedBytes = sum(meter.networks, \.received.bytes)
    networkSentBytes = sum(meter.networks, \.sent.bytes)
    networkReceivedPackets = sum(meter.networks, \.received.packets)
    networkSentPackets = sum(meter.networks, \.sent.packets)
    consoleBytes = meter.consoleBytes
  }
}
