import Hardware

/// Jumps to where neither memory nor a device is. No KVM can fetch an instruction from there, so it has
/// nothing to run or to emulate, and gives the problem to the VMM (KVM_EXIT_INTERNAL_ERROR).
@main enum Unsupported: Guest {
  static func run(_ start: StartInfo) {
    say("this guest jumps to where no memory is")
    jump_to(0xd000_0000)
    fail("an instruction ran at 0xd0000000")
  }
}
