import ArgumentParser
import Glibc
import Host

/// Somebody's wish that a benchmark end before it is done: Ctrl-C, SIGTERM, or a terminal that hangs up.
///
/// The signals do not end this program at once, so that VMMs and folders do not stay behind: who waits for something
/// else waits for ``number`` too, and asks ``check()`` when it has waited.
final class Interruption {
  private let signals: SignalFD

  /// From now on, until ``end()``.
  init() throws(SystemCallError) {
    signals = try SignalFD([SIGINT, SIGTERM, SIGHUP])
    try signals.collect()
  }

  /// A descriptor that is readable when there is something to ``check()``.
  var number: Int32 { signals.number }

  /// - Throws: 128 and the signal's number, the exit status by which shells tell it, when one has come.
  func check() throws(ExitCode) {
    if let signal = signals.next() { throw ExitCode(128 + signal) }
  }

  /// There is nothing more to leave behind: the signals do again what they do by themselves.
  func end() { signals.release() }
}
