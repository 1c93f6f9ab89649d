/// Panics, and tells the machine through pvpanic.
@main enum Panic: Guest {
  static func run(_ start: StartInfo) {
    say("this guest panics")
    Machine.panic()
  }
}
