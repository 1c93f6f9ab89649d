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
    guard let file = try? Descriptor.open("/proc/\(process)/stat", .readOnly),
      let bytes = try? file.read(atMost: 1 << 12)
    else { return nil }
    return parse(String(decoding: bytes, as: UTF8.self), ticksPerSecond: UInt64(clamping: sysconf(Int32(_SC_CLK_TCK))))
  }

  static func parse(_ stat: String, ticksPerSecond: UInt64) -> UInt64? {
    // The second field, the program's name in parentheses, may have spaces and parentheses in it.
    guard ticksPerSecond > 0, let name = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: name)...].split(separator: " ")
    // Fields 43 and 44, where the first one here is field 3.
    guard fields.count > 41, let own = UInt64(fields[40]), let children = UInt64(fields[41]) else { return nil }
    return own.saturatingAdd(children).saturatingTimes(1_000_000_000) / ticksPerSecond
  }
}
