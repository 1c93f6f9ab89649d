/// Takes an exception without a descriptor table to take it.
@main enum TripleFault: Guest {
  static func run(_ start: StartInfo) {
    say("this guest faults three times")
    Machine.tripleFault()
  }
}
