import Host

/// Finds guests that sit in HLT with interrupts off on every CPU: nothing will ever wake them.
///
/// KVM does not say so: with its own interrupt controllers a halted vCPU just does not return. So, when no vCPU has
/// used CPU time for a while, each is asked once. A guest that stays idle is asked at ever longer intervals.
struct HaltWatch {
  /// Between two looks while the guest works, in nanoseconds.
  private static let shortest: UInt64 = 100_000_000
  /// The same at most while it idles.
  static let longest: UInt64 = 5_000_000_000
  /// What a vCPU's thread may use between two looks and still count as idle: being asked is not free.
  private static let idleCPUTime: UInt64 = 1_000_000

  private var interval = shortest
  private var lastCPUTime: UInt64 = 0

  enum Look { case busy, idle }

  /// Takes the CPU time of all vCPU threads together, in nanoseconds.
  mutating func look(cpuTime: UInt64) -> Look {
    defer { lastCPUTime = cpuTime }
    guard cpuTime &- lastCPUTime <= Self.idleCPUTime else {
      interval = Self.shortest
      return .busy
    }
    interval = min(interval * 2, Self.longest)
    return .idle
  }

  /// Until the next look, in nanoseconds.
  var nextInterval: UInt64 { interval }

  /// How long vCPUs have to answer when they are asked, in nanoseconds.
  static let answerTime: UInt64 = 20_000_000
}
