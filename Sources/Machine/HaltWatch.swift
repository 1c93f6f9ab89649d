import Host

/// Finds guests that sit in HLT with interrupts off on every CPU: nothing will ever wake them.
///
/// KVM does not say so: with its own interrupt controllers a halted vCPU just does not return. So, when no vCPU has
/// used CPU time for a while, each is asked once. A guest that stays idle is asked at ever longer intervals, and no more
/// once it is known to wait for an interrupt, and has not run since.
struct HaltWatch {
  /// Between two looks while the guest works, in nanoseconds.
  static let shortest: UInt64 = 100_000_000
  /// The same at most while it idles.
  static let longest: UInt64 = 5_000_000_000
  /// What a vCPU's thread may use between two looks and still count as idle: being asked is not free.
  private static let idleCPUTime: UInt64 = 1_000_000

  private var interval = shortest
  private var lastCPUTime: UInt64 = 0
  /// Whether a vCPU, when it was asked last, waited for an interrupt.
  private var isKnownToWait = false

  enum Look {
    case busy
    /// Nothing worth a word was done since the last look: the vCPUs are to be asked.
    case idle
    /// Nothing at all was done since they were asked.
    case asleep
  }

  /// Takes the CPU time of all vCPU threads together, in nanoseconds.
  mutating func look(cpuTime: UInt64) -> Look {
    defer { lastCPUTime = cpuTime }
    guard cpuTime &- lastCPUTime <= Self.idleCPUTime else {
      interval = Self.shortest
      return .busy
    }
    interval = min(interval * 2, Self.longest)
    return isKnownToWait && cpuTime == lastCPUTime ? .asleep : .idle
  }

  /// Takes what the vCPUs answered, and their CPU time, which being asked has cost some of.
  mutating func conclude(isWaiting: Bool, cpuTime: UInt64) {
    if cpuTime &- lastCPUTime > Self.idleCPUTime { interval = Self.shortest }
    lastCPUTime = cpuTime
    isKnownToWait = isWaiting
  }

  /// Until the next look, in nanoseconds.
  var nextInterval: UInt64 { interval }

  /// How long vCPUs have to answer when they are asked, in nanoseconds.
  static let answerTime: UInt64 = 20_000_000
}
