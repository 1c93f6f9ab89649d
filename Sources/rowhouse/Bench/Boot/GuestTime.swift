import Glibc
import Host

/// The time that a process and its children spent in guests' code (proc(5), /proc/PID/stat, `guest_time` and
/// `cguest_time`), in ticks of the kernel's clock.
enum GuestTime {
  /// Less than five ticks say nothing: a tick is counted whole for what runs when it comes.
  static let leastNanoseconds: UInt64 = 50_000_000

  /// - Parameter process: one that runs, or has ended and was not waited for yet. Of its children those count that it
  ///   has waited for, as in the times of getrusage(2).
  /// - Returns: nanoseconds; nil when it cannot be read.
  static func of(process: Int32) -> UInt64? {
    let ticksPerSecond = UInt64(clamping: sysconf(Int32(_SC_CLK_TCK)))
    return ProcessStat(of: process).flatMap { nanoseconds($0, ticksPerSecond: ticksPerSecond) }
  }

  static func nanoseconds(_ stat: ProcessStat, ticksPerSecond: UInt64) -> UInt64? {
    guard ticksPerSecond > 0, let own: UInt64 = stat.number(43), let children: UInt64 = stat.number(44) else {
      return nil
    }
    return own.saturatingAdd(children).saturatingTimes(1_000_000_000) / ticksPerSecond
  }
}
