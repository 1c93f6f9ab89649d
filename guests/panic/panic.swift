/// Panics, and tells the machine through pvpanic. With `crash-kernel` on the command line it goes on as a crash kernel
/// would, and powers off.
@main enum Panic: Guest {
  static func run(_ start: StartInfo) {
    say("this guest panics")
    guard start.options.contains("crash-kernel") else { Machine.panic() }
    Machine.handOverToCrashKernel()
    say("saved")
    Machine.powerOff()
  }
}
