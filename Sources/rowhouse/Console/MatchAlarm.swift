import CLinux
import Glibc
import Host
import Machine

/// Ends this program when a search has gone on for longer than it may: the time that some regular expressions take
/// doubles with each character, and nothing can interrupt the search.
enum MatchAlarm {
  /// Whoever keeps the time between two searches, or prints what one has found, comes first. In nanoseconds.
  private static let lead: UInt64 = 200_000_000

  /// - Parameters:
  ///   - deadline: of the search.
  ///   - line: what is said then.
  static func set(at deadline: Instant, saying line: String) throws(SystemCallError) {
    let timer = try TimerFD()
    timer.arm(at: deadline.advanced(byNanoseconds: lead))
    _ = try Thread(named: "deadline") {
      while linux_poll_readable(timer.number, -1) <= 0 {}
      StandardError.say(line)
      _exit(Verdict.timeout.exitStatus)
    }
  }
}
