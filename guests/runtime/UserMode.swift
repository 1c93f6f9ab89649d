import Hardware

/// Work in ring 3, where a processor is as fast as it can be, whatever the KVM (user-mode.S).
enum UserMode {
  private static let generalProtection = 13
  /// How many processors can have a ring 3.
  static let processorCount = 8

  /// Once, after `Interrupts.configure()`.
  static func configure() { Interrupts.setGate(generalProtection, to: leave_user_mode_address()) }

  /// Makes the calling processor ready, by a number of its own below `processorCount`.
  static func enable(number: Int) { load_user_mode(UInt64(number)) }

  /// Counts down from a number of millions, on the processor of this number.
  static func countDown(millions: UInt64, number: Int) {
    _ = run_in_user_mode(count_down_address(), millions, UInt64(number))
  }

  /// Reads the time stamp counter again and again on the processor of this number, for so many of its ticks.
  /// - Returns: The longest time from one reading to the next, in ticks.
  static func lookAtTime(ticks: UInt64, number: Int) -> UInt64 {
    run_in_user_mode(look_at_time_address(), ticks, UInt64(number))
  }
}
