/// Halts with interrupts off, so that nothing will ever wake it.
@main enum Hang: Guest {
  static func run(_ start: StartInfo) {
    say("this guest hangs")
    Machine.hang()
  }
}
