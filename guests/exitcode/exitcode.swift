/// Ends through the debug exit with the value that `code=` on the command line gives, 0 without one.
@main enum ExitCode: Guest {
  static func run(_ start: StartInfo) {
    let code = start.options.number("code") ?? 0
    say("leaving with debug exit \(code)")
    Machine.debugExit(UInt32(truncatingIfNeeded: code))
  }
}
