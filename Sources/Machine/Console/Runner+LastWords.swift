import Host

/// The end of a run: who reads or watches the console gets what the guest said to the last.
extension Runner {
  /// How long a console's reader may take for the rest when the run must end, in nanoseconds.
  private static let patience: UInt64 = 1_000_000_000

  /// Gives the console's reader what the guest said to the last, however slow it is; a signal ends the wait.
  /// When it was not the guest that ended the run but a person or the clock, the reader has a second.
  func drainConsole(after verdict: Verdict) throws(SystemCallError) {
    defer { relay.leaveTerminal() }
    var isDrained = false
    relay.whenDrained { [unowned self] in
      isDrained = true
      loop.stop()
    }
    if !isDrained {
      if [.timeout, .stopped, .killed, .hostFailed].contains(verdict) {
        try loop.add(alarm.number, .readable) { [unowned self] _ in loop.stop() }
        alarm.arm(at: .now.advanced(byNanoseconds: Self.patience))
      }
      loop.remove(signals.number)
      try loop.add(signals.number, .readable) { [unowned self] _ in loop.stop() }
      try loop.run()
    }
  }

  /// Tells the console's viewers how it ended, and gives them, and who else watches, a second for what they have not
  /// read yet. Who has come at the last moment is served as well; then nobody new can come.
  func drainViewers(after verdict: Verdict) throws(SystemCallError) {
    folder?.closeSockets()
    relay.end(verdict)
    let limit = Instant.now.advanced(byNanoseconds: Self.patience)
    loop.remove(alarm.number)
    try loop.add(alarm.number, .readable) { [unowned self] _ in
      alarm.acknowledge()
      loop.stop()
    }
    while !relay.isWatchedToTheEnd || control?.isAwaited ?? false, Instant.now < limit {
      alarm.arm(at: min(limit, .now.advanced(byNanoseconds: Self.drainStep)))
      try loop.run()
    }
    relay.waitForTerminalReader()
  }

  /// Between two looks whether all viewers have the rest, in nanoseconds.
  private static let drainStep: UInt64 = 5_000_000
}
