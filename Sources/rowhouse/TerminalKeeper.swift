import Glibc
import Host

/// Has the terminal that standard input is in raw mode while a guest uses it, and gives it back as it was.
///
/// A process in the background keeps its hands off: the terminal is then another's, and changing it would stop the
/// process (SIGTTOU).
final class TerminalKeeper {
  /// Every signal that would end a process without a word, and leave the terminal as it is.
  static let endingSignals = [
    SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ,
  ]

  private let number = STDIN_FILENO
  /// How the terminal was found.
  private let original: TerminalMode
  private(set) var isTaken = false

  /// - Returns: nil when standard input is no terminal.
  init?() {
    do throws(SystemCallError) { original = try TerminalMode(of: number) } catch { return nil }
  }

  deinit { giveBack() }

  private var isInForeground: Bool {
    let foreground = tcgetpgrp(number)
    // A terminal that controls no session, or another one's, has no foreground: there is nobody to dispute it.
    return foreground < 0 || foreground == getpgrp()
  }

  /// Takes the terminal, again if it was taken before: whoever stopped this process may have changed it since.
  func take() {
    isTaken = false
    guard isInForeground else { return }
    // A terminal that refuses because it has just gone is soon seen by its end of input.
    isTaken = (try? original.raw.apply(to: number)) != nil
  }

  func giveBack() {
    guard isTaken else { return }
    isTaken = false
    if isInForeground { try? original.apply(to: number) }
  }
}
