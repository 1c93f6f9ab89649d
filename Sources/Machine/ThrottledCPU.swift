import Host
import KVM
import Metering

/// A vCPU's thread under a quota: leaves the guest when its time is used, and waits for more. It belongs to that
/// thread.
///
/// A timer on the accounting clock is exact, and as no thread uses CPU time faster than time passes it never rings
/// too late; when the vCPU has slept meanwhile, it is armed again for the rest. A vCPU that mostly sleeps would be
/// woken by it over and over. So for that one a timer on the thread's own CPU clock is armed instead: it costs nothing
/// as long as nobody runs. When it rings the vCPU is busy, and the exact one takes over. But the kernel only looks at
/// it in its tick, which a guest may always sleep through: so the I/O thread, which looks at a busy guest ten times a
/// second and at one that was idle every five seconds, has the vCPUs come here that have used something. Who owes time
/// then has to wait, and has the exact timer until it has not waited for a while.
struct ThrottledCPU: ~Copyable {
  private let throttle: CPUThrottle
  private let meter: CPUMeter
  private var account: CPUThrottle.Account
  /// Made with the first quota.
  private var timers: Timers?
  /// Until when it counts as busy for having had to wait.
  private var busyUntil = Instant(nanoseconds: 0)
  /// What the vCPU is known to do until it has come here once.
  private var firstUse: CPUThrottle.Use?
  /// When the thread last came here, or began, its CPU time then, and how often it had slept.
  private var last: (instant: Instant, cpuTime: UInt64, sleeps: Int64)

  private final class Timers {
    private let exact: ThreadTimer
    private let whenBusy: ThreadTimer
    enum Kind { case exact, whenBusy }
    /// The one that may still ring.
    private var armed: Kind?

    init() throws(SystemCallError) {
      exact = try ThreadTimer(.accounting, signal: VirtualCPU.kickSignal)
      whenBusy = try ThreadTimer(.threadCPUTime, signal: VirtualCPU.kickSignal)
    }

    /// Arms one, and not the other.
    func arm(_ kind: Kind, after nanoseconds: UInt64) {
      if armed != kind { disarm() }
      armed = kind
      switch kind {
      case .exact: exact.arm(after: nanoseconds)
      case .whenBusy: whenBusy.arm(after: nanoseconds)
      }
    }

    func disarm() {
      switch armed {
      case .exact: exact.disarm()
      case .whenBusy: whenBusy.disarm()
      case nil: break
      }
      armed = nil
    }
  }

  /// A vCPU is idle that has slept, and used less than this part of the time. One that only had to make place for
  /// others is not.
  private static let idlePart: UInt64 = 16
  /// So long after a wait a vCPU is not idle, in nanoseconds: it wants more than it may have.
  private static let patience: UInt64 = 1_000_000_000
  /// After so long a vCPU comes here to give back what it does not use, in nanoseconds.
  private static let longestRun: UInt64 = 100_000_000

  /// - Parameters:
  ///   - isAnew: whether the machine was made anew for a guest that has reset itself. The time that its thread has used
  ///     for that counts, or a guest could spend the host's time by resets.
  ///   - isAsleep: whether the vCPU begins with a wait for another to start it. What it then set aside, that other one
  ///     would have to wait for.
  init(_ throttle: CPUThrottle, _ meter: CPUMeter, isAnew: Bool, isAsleep: Bool) {
    self.throttle = throttle
    self.meter = meter
    firstUse = isAsleep ? .rest : .work
    let cpuTime = HostClock.threadCPUNanoseconds
    last = (.now, cpuTime, throttle.isInForce ? Thread.sleepCount : 0)
    account = throttle.account(cpuTime: isAnew ? 0 : cpuTime)
  }

  /// Settles the last that was used, when the thread is about to end.
  mutating func end(cpuTime: UInt64) { throttle.close(&account, cpuTime: cpuTime) }

  /// Settles what was used. When the quota is used up it waits until there is time again, or until it is kicked for a
  /// reason.
  ///
  /// - Parameter isWanted: whether the thread has something else to do than to wait.
  mutating func settle(_ cpu: VirtualCPU, isWanted: () -> Bool) throws(SystemCallError) {
    while true {
      let now = Instant.now
      let cpuTime = HostClock.threadCPUNanoseconds
      let sleeps = timers == nil && !throttle.isInForce ? 0 : Thread.sleepCount
      let use = use(cpuTime: cpuTime, hasSlept: sleeps > last.sleeps, at: now)
      last = (now, cpuTime, sleeps)
      let decision = throttle.settle(&account, cpuTime: cpuTime, use, at: now)
      if case .unlimited = decision {
        timers?.disarm()
        return
      }
      if timers == nil { try begin(cpu) }
      guard let timers else { return }
      switch decision {
      case .unlimited: return
      case .run(let nanoseconds):
        timers.arm(.exact, after: min(nanoseconds, Self.longestRun))
        return
      case .runUnreserved:
        timers.arm(.whenBusy, after: CPUThrottle.negligible)
        return
      case .wait(let instant):
        timers.disarm()
        Thread.sleep(until: instant, wokenBy: VirtualCPU.kickSignal, unless: isWanted)
        let end = Instant.now
        // It did not idle, it waited; but for one that would have slept. How long it then waits for one of the host's CPUs
        // is not the quota's doing.
        if use != .pause {
          meter.countThrottled(nanoseconds: min(end, instant).nanoseconds(since: now))
          busyUntil = end.advanced(byNanoseconds: Self.patience)
        }
        last.instant = end
        last.sleeps = Thread.sleepCount
        if isWanted() { return }
      }
    }
  }

  private mutating func use(cpuTime: UInt64, hasSlept: Bool, at now: Instant) -> CPUThrottle.Use {
    if let firstUse {
      self.firstUse = nil
      return firstUse
    }
    guard hasSlept else { return .work }
    let used = cpuTime - last.cpuTime
    // A vCPU that sleeps on is not taken for one that works for having been asked to come here.
    if used < CPUThrottle.negligible { return now >= busyUntil ? .rest : .pause }
    return now >= busyUntil && used * Self.idlePart < now.nanoseconds(since: last.instant) ? .little : .work
  }

  /// Leaves out of account that the thread was kept asleep by others.
  mutating func excuseSleep() {
    if timers != nil { last.sleeps = Thread.sleepCount }
  }

  /// Makes so many vCPUs' timers, and lets them go again. A thread makes its own, and when it cannot it is too late to
  /// refuse a quota: its guest could not be held to it.
  ///
  /// - Throws: where the user has no more (RLIMIT_SIGPENDING).
  static func checkTimers(cpuCount: Int) throws(SystemCallError) {
    var all: [Timers] = []
    for _ in 0..<cpuCount { all.append(try Timers()) }
  }

  private mutating func begin(_ cpu: VirtualCPU) throws(SystemCallError) {
    cpu.exitAtKicks()
    Thread.wakeExactly()
    timers = try Timers()
    last.sleeps = Thread.sleepCount
  }
}
