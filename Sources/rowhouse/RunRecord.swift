import Glibc
import Host
import Machine
import Metering

/// How a guest's run went, from its VMM's start to its end.
struct RunRecord {
  let configuration: Configuration
  let verdict: Verdict
  /// The signal that the VMM crashed with, an error of its own; nil when it did not.
  let crashSignal: Int32?
  /// When the VMM was started.
  let spawned: Instant
  /// From then to its end.
  let wallNanoseconds: UInt64
  let cpuTime: ChildProcess.CPUTime
  /// Nil when the VMM did not come so far as to make its meter.
  let meter: MeterReading?

  /// Judges a run by how the VMM ended and by what its meter says.
  ///
  /// - Returns: nil when the guest never ran, and the VMM has said why.
  init?(
    _ configuration: Configuration, _ end: ChildProcess.End, cpuTime: ChildProcess.CPUTime, spawned: Instant,
    wallNanoseconds: UInt64, meter: MeterReading?
  ) {
    var crashSignal: Int32?
    let said = meter.flatMap(Verdict.init)
    switch end {
    case .exited:
      // Without a verdict only a VMM whose guest was running has failed by the host's fault.
      guard let verdict = said ?? (meter?.state.isLive == true ? .hostFailed : nil) else { return nil }
      self.verdict = verdict
    // Perhaps while it only waited for the console's reader: the guest had ended in its own way before.
    case .killed(SIGKILL): verdict = said ?? .killed
    // So early that the VMM did not wait for signals yet, or by the terminal's quit key, which it does not wait for.
    case .killed(SIGTERM), .killed(SIGINT), .killed(SIGHUP), .killed(SIGQUIT):
      verdict = said ?? .stopped
    case .killed(let signal):
      verdict = .hostFailed
      crashSignal = signal
    }
    self.configuration = configuration
    self.crashSignal = crashSignal
    self.cpuTime = cpuTime
    self.spawned = spawned
    self.wallNanoseconds = wallNanoseconds
    self.meter = meter
  }
}

extension RunRecord {
  /// One line for a person: how it ended, after how long, and the exit status when it is not 0.
  var sentence: String {
    let time = Self.format(guestNanoseconds)
    if let crashSignal {
      // SAFETY: strsignal's text lives until this thread's next call to it; it is copied here.
      let name = unsafe strsignal(crashSignal).map { unsafe String(cString: $0) } ?? "unknown"
      return "the VMM crashed by signal \(crashSignal) (\(name)) after \(time), which is a fault of its own"
    }
    let status = verdict.exitStatus
    let end = status == 0 ? "\(verdict) after \(time)" : "\(verdict) (after \(time), exit status \(status))"
    let dropped = meter?.console[.dropped] ?? 0
    return dropped == 0 ? end : "\(end); \(dropped) bytes of its console went nowhere"
  }

  /// How long the guest ran: until it ended, or until its VMM did.
  private var guestNanoseconds: UInt64 {
    let end = meter?.phases[.guestEnded] ?? spawned.advanced(byNanoseconds: wallNanoseconds)
    return end.nanoseconds(since: meter?.phases[.guestStarted] ?? spawned)
  }

  /// Seconds with three decimals, "0.213 s".
  static func format(_ nanoseconds: UInt64) -> String {
    let milliseconds = nanoseconds.saturatingAdd(500_000) / 1_000_000
    return "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst()) s"
  }
}
