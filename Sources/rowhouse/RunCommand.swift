import ArgumentParser

/// `rowhouse run`: starts a guest in the foreground and stays until it has ended. Here are the options of its own.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs a kernel as a guest, with its console on this terminal.",
    discussion: """
      On a terminal Ctrl-A x ends the guest and Ctrl-A Ctrl-A sends it a Ctrl-A; all other keys are the guest's.

      The exit status says how the guest ended:
        0    it powered off, asked for a reset, or was stopped
        N    it left by the debug exit port with a value V: N is V * 2 + 1
        101  its kernel panicked         124  its time was over
        102  triple fault                137  it was killed
        103  halted for good               2  wrong arguments or kernel
        104  unsupported by KVM            1  the host failed
        105  it kept memory beyond its limit
      """)

  @Argument(help: "The kernel: a bzImage, an ELF file (PVH or Linux), a Multiboot file, or a flat binary.")
  var kernel: String

  @OptionGroup var guest: GuestOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many times the host's memory guests may be promised (default: 1).", valueName: "factor"))
  var overcommit: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Where the console ends: stdio, none, file:PATH, pty (a terminal for screen, picocom and the like) or \
      tcp:127.0.0.1:PORT (for socat and the like: several may connect, any user of this machine); what is typed there \
      is typed beside whoever writes by `console` or `send` \
      (default: stdio, with --detach none).
      """, valueName: "end"))
  var console: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Keep what the guest says in two files of this size in its folder, which is memory on most hosts; see `logs` \
      (default: with --detach 16M; 0M: do not).
      """,
      valueName: "size"))
  var consoleLog: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("End the guest after so long, like 2.5.", valueName: "seconds"))
  var timeout: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What a reset does: exit, or reset to start anew (default: exit).", valueName: "action"))
  var onReset: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Write the verdict and its figures there, as JSON.", valueName: "file"))
  var verdict: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Write there what the guest's exits cost, by reason and address, the dearest first.", valueName: "file"))
  var exitProfile: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What the other commands call the guest (default: one is made up).", valueName: "name"))
  var name: String?

  @Flag(
    help: """
      Print the guest's name once it runs, and leave it running; where logind removes $XDG_RUNTIME_DIR when you log \
      out, until then, unless you linger (`loginctl enable-linger`).
      """)
  var detach = false

  @Flag(help: "Do not say how the guest ended.")
  var quiet = false
}
