import Hardware

/// Prints what a Linux kernel without a root file system prints, and then waits for ever, as Linux does:
/// halted, but with interrupts on. The text is all there is to tell that this guest is lost.
@main enum LinuxPanic: Guest {
  static func run(_ start: StartInfo) {
    printLinuxPanic()
    while true {
      sti()
      hlt()
    }
  }
}
