import Host
import Metering
import Synchronization

/// The CPU time that a guest's vCPUs share, when it has a quota. vCPU threads come here when they leave the guest
/// for it; the I/O thread changes the quota.
final class CPUThrottle: Sendable {
  private struct State {
    var bucket: QuotaBucket
    /// vCPUs that hold a reservation, and those that mostly sleep.
    var holders = 0
    var sleepers = 0
    /// vCPUs that wait, and those of them that began to in this period, and so wait for the next.
    var waiting = 0
    var waitingForNext = 0

    /// Fills the bucket up, or has it go on with another quota.
    mutating func update(_ change: (inout QuotaBucket) -> Void) {
      let period = bucket.refills
      change(&bucket)
      if bucket.refills != period { waitingForNext = 0 }
    }

    mutating func beginWait(_ account: inout Account) -> Decision {
      setSleeper(&account, false)
      waiting += 1
      waitingForNext += 1
      account.waitingSince = bucket.refills
      return .wait(until: bucket.nextTime)
    }

    mutating func endWait(_ account: inout Account) {
      guard let period = account.waitingSince else { return }
      waiting -= 1
      if period == bucket.refills { waitingForNext -= 1 }
      account.waitingSince = nil
    }

    /// Takes a vCPU's reservation back, with what of it, or more, was used since it was last here.
    mutating func takeBack(_ account: inout Account, cpuTime: UInt64) {
      bucket.settle(reserved: account.reserved, used: cpuTime - account.settled)
      account.settled = cpuTime
      if account.reserved > 0 {
        account.reserved = 0
        holders -= 1
      }
    }

    mutating func close(_ account: inout Account, cpuTime: UInt64) {
      guard account.isOpen else { return }
      endWait(&account)
      takeBack(&account, cpuTime: cpuTime)
      setSleeper(&account, false)
      account.isOpen = false
    }

    mutating func setSleeper(_ account: inout Account, _ isSleeper: Bool) {
      if account.isSleeper != isSleeper {
        account.isSleeper = isSleeper
        sleepers += isSleeper ? 1 : -1
      }
    }
  }

  private let state: Mutex<State>
  private let cpuCount: Int

  /// - Parameter quota: as for ``set(_:at:)``.
  init(_ quota: CPUQuota?, cpuCount: Int, at now: Instant) {
    self.cpuCount = cpuCount
    state = Mutex(State(bucket: QuotaBucket(Self.reachable(quota, cpuCount), at: now)))
  }

  private static func reachable(_ quota: CPUQuota?, _ cpuCount: Int) -> CPUQuota? {
    quota.flatMap { $0.nanoseconds < $0.periodNanoseconds * UInt64(cpuCount) ? $0 : nil }
  }

  /// The least time that a vCPU is let go for: what it then uses too much is owed.
  private static let shortestSlice: Int64 = 20_000

  /// What a vCPU's thread knows of its own use of the quota.
  struct Account {
    /// Whether what the thread uses counts: it does from when it first sees a quota until it sees none.
    fileprivate var isOpen: Bool
    /// CPU time of the thread that was settled.
    fileprivate var settled: UInt64
    fileprivate var reserved: Int64 = 0
    fileprivate var isSleeper = false
    /// The period of which it last had a share, and that in which it began to wait, if it does, by the bucket's
    /// count.
    fileprivate var lastShare: UInt64?
    fileprivate var waitingSince: UInt64?
    /// What it has used at rest since there was time, in nanoseconds.
    fileprivate var usedAtRest: UInt64 = 0
  }

  /// What a vCPU has done since its thread was last here.
  enum Use {
    /// It slept, and used next to nothing.
    case rest
    /// The same, soon after it had worked.
    case pause
    /// It slept most of the time.
    case little
    case work
  }

  /// CPU time that counts as none, in nanoseconds: to be asked to come here costs a vCPU some that sleeps.
  static let negligible: UInt64 = 100_000

  enum Decision {
    /// There is no quota.
    case unlimited
    /// Run, and come again after so much time at the latest, in nanoseconds.
    case run(UInt64)
    /// Run, and come again when some time was used.
    case runUnreserved
    case wait(until: Instant)
  }

  /// Changes the quota; nil, and one that the vCPUs cannot reach, is none.
  func set(_ quota: CPUQuota?, at now: Instant) {
    state.withLock { state in state.update { $0.change(to: Self.reachable(quota, cpuCount), at: now) } }
  }

  /// Whether the vCPUs could use more than that.
  func isReachable(_ quota: CPUQuota?) -> Bool { Self.reachable(quota, cpuCount) != nil }

  /// Whether there is a quota that the vCPUs could reach.
  var isInForce: Bool { state.withLock { $0.bucket.quota != nil } }

  /// The account of a vCPU whose thread begins to run it.
  ///
  /// - Parameter cpuTime: of the thread, up to which it does not count.
  func account(cpuTime: UInt64) -> Account {
    state.withLock { Account(isOpen: $0.bucket.quota != nil, settled: cpuTime) }
  }

  /// Settles the last that a vCPU's thread has used. What it had set aside is there for others again.
  func close(_ account: inout Account, cpuTime: UInt64) {
    state.withLock { $0.close(&account, cpuTime: cpuTime) }
  }

  /// Settles what a vCPU's thread has used, and says what it may do.
  ///
  /// - Parameters:
  ///   - cpuTime: of the thread so far.
  ///   - use: a vCPU that does not work holds no reservation, and one at rest does not wait for time: what it uses when
  ///     it works again counts all the same.
  func settle(_ account: inout Account, cpuTime: UInt64, _ use: Use, at now: Instant) -> Decision {
    state.withLock { state in
      guard state.bucket.quota != nil else {
        state.close(&account, cpuTime: cpuTime)
        return .unlimited
      }
      if !account.isOpen { account = Account(isOpen: true, settled: cpuTime) }
      state.update { $0.refill(at: now) }
      state.endWait(&account)
      let used = cpuTime - account.settled
      let unused = max(0, account.reserved - Int64(clamping: used))
      state.takeBack(&account, cpuTime: cpuTime)
      state.setSleeper(&account, use != .work)
      guard state.bucket.balance > 0 else {
        account.usedAtRest += used
        return use == .rest && account.usedAtRest <= Self.negligible ? .runUnreserved : state.beginWait(&account)
      }
      account.usedAtRest = 0
      if use != .work { return .runUnreserved }
      // Those who hold a reservation have theirs, and who wait for the next period need none. The rest is for this one
      // and for others that will come for some; sleepers may wake, and are kept a quarter of a share.
      let others = max(0, cpuCount - 1 - state.holders - state.sleepers - state.waitingForNext)
      var slice = 4 * state.bucket.balance / Int64(4 + 4 * others + min(state.sleepers, 1))
      // Who waited for this period and has not been given a CPU yet finds its share untouched by who had one.
      if account.lastShare == state.bucket.refills, state.waiting > state.waitingForNext {
        slice = min(slice, unused)
        if slice < Self.shortestSlice { return state.beginWait(&account) }
      }
      slice = max(slice, Self.shortestSlice)
      account.lastShare = state.bucket.refills
      account.reserved = slice
      state.holders += 1
      state.bucket.reserve(slice)
      return .run(UInt64(slice))
    }
  }
}
