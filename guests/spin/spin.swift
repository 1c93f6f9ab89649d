import Hardware

/// Keeps its processor busy for ever: only a time limit or a person ends it.
@main enum Spin: Guest {
  static func run(_ start: StartInfo) {
    say("this guest spins")
    while true { pause_cpu() }
  }
}
