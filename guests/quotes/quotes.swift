/// Speaks of panics without having one: in a sentence, and by showing an old log. Then it works on for a
/// second and powers off, so whoever took the text for its own was wrong.
@main enum Quotes: Guest {
  static func run(_ start: StartInfo) {
    Interrupts.configure()
    IntervalTimer.start(hertz: 100)
    say("found \"Kernel panic - not syncing: VFS: ...\" in the log of the last boot, which says:")
    printLinuxPanic()
    for tenth in 1...10 {
      IntervalTimer.sleep(ticks: 10)
      say("still running after \(tenth * 100) ms")
    }
  }
}
