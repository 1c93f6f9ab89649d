import Glibc
import Host

/// The time that a process spent in guests' code (proc(5), /proc/PID/stat, `guest_time`), in ticks of the kernel's
/// clock.
enum GuestTime {
  /// - Parameter process: one that runs, or has ended and was not waited for yet.
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
    // Field 43, where the first one here is field 3.
    guard fields.count > 40, let ticks = UInt64(fields[40]) else { return nil }
    return ticks * 1_000_000_000 / ticksPerSecond
  }
}
