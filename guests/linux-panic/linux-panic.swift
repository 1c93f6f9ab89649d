import Hardware

/// Prints what a Linux kernel without a root file system prints, and then waits for ever, as Linux does:
/// halted, but with interrupts on. The text is all there is to tell that this guest is lost.
///
/// With `slowly` the text takes two seconds.
@main enum LinuxPanic: Guest {
  static func run(_ start: StartInfo) {
    if start.options.contains("slowly") {
      Interrupts.configure()
      IntervalTimer.start(hertz: 100)
      printLinuxPanic { IntervalTimer.sleep(ticks: 200) }
    } else {
      printLinuxPanic()
    }
    while true {
      sti()
      hlt()
    }
  }
}
