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
  }

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
    state.withLock { $0.bucket.change(to: Self.reachable(quota, cpuCount), at: now) }
  }

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
  ///   - isIdle: whether the vCPU mostly sleeps: it then holds no reservation.
  func settle(_ account: inout Account, cpuTime: UInt64, isIdle: Bool, at now: Instant) -> Decision {
    state.withLock { state in
      guard state.bucket.quota != nil else {
        state.close(&account, cpuTime: cpuTime)
        return .unlimited
      }
      if !account.isOpen { account = Account(isOpen: true, settled: cpuTime) }
      state.bucket.refill(at: now)
      state.takeBack(&account, cpuTime: cpuTime)
      state.setSleeper(&account, isIdle)
      guard state.bucket.balance > 0 else { return .wait(until: state.bucket.nextTime) }
      if isIdle { return .runUnreserved }
      // Those who hold a reservation have theirs. The rest is for this one and for others that will come for some; a
      // sleeper may wake, and is kept a quarter of a share.
      let others = max(0, cpuCount - 1 - state.holders - state.sleepers)
      let slice = max(4 * state.bucket.balance / Int64(4 + 4 * others + state.sleepers), Self.shortestSlice)
      account.reserved = slice
      state.holders += 1
      state.bucket.reserve(slice)
      return .run(UInt64(slice))
    }
  }
}
