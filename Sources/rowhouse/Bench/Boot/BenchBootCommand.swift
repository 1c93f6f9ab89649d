import ArgumentParser
import Host
import Machine

/// `rowhouse bench boot`: how long kernels take to boot, and where the time goes.
struct BenchBootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boot",
    abstract: "Measures how long a kernel takes to boot under each VMM that is installed.",
    discussion: """
      The VMMs take turns, so a machine that is slower for a while is slower for all. Each is measured from outside: \
      from its start to the first byte of the guest's console, to what --until names, and to its end. Of rowhouse \
      there are also the phases between, and, from one more run that does not count, what its exits cost.

      All get the same guest, with the options of `rowhouse run`. A VMM that is not known to have what one of them asks \
      for does not take part, and is named. Linux without a command line gets the one that `rowhouse run` gives it.

      A guest has to end by itself, as Linux with `panic=-1` and a command that powers off, unless --until names \
      something before.

      The exit status:
        0    measured
        1    the host failed, or rowhouse itself did not start the guest
        2    wrong arguments
        128 + N  ended by signal N, as 130 by Ctrl-C, with nothing kept
      """)

  @Argument(help: "The kernel.")
  var kernel: String

  @Option(
    name: .customLong("also"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Another kernel that takes part, with all else the same; may be repeated.", valueName: "kernel"))
  var otherKernels: [String] = []

  @OptionGroup var guestOptions: BenchedGuestOptions

  @Option(name: .customShort("n"), help: "How many runs of each count.")
  var runs = 20

  @Option(help: "How many runs of each come before those.")
  var warmup = 2

  @Option(help: ArgumentHelp("init, login, marker:REGEX or exit.", valueName: "goal"))
  var until = "exit"

  @Flag(help: "Keep the VMMs and this program on CPUs of their own.")
  var pin = false

  @Flag(
    help: """
      The kernel marks its entry with 1 and its first program with 123 at port 0x80: have QEMU show what is written \
      there.
      """)
  var postCodes = false

  func run() throws {
    let benchmark = try makeBenchmark()
    let folder = try guestOptions.output.map { path throws(ConfigurationError) in try ResultsFolder(path) }
    let results = try benchmark.run()
    print(BootTable(results).text, terminator: "")
    try folder?.write(results)
    if results.missing.lackRowhouse { throw ExitCode(1) }
  }

  func makeBenchmark() throws -> BootBenchmark {
    let most = BenchedGuestOptions.mostRuns
    guard (1...most).contains(runs) else { throw ConfigurationError("-n \(runs)", "give a number from 1 to \(most)") }
    guard (0...most).contains(warmup) else {
      throw ConfigurationError("--warmup \(warmup)", "give a number of runs up to \(most), 0 for none")
    }
    let nanoseconds = try guestOptions.limitNanoseconds()
    let vmms = try guestOptions.vmms()
    let goal = try BootGoal(until)
    let kernels = [kernel] + otherKernels
    var guests: [BenchedGuest] = []
    for (index, kernel) in kernels.enumerated() {
      if kernels[..<index].contains(kernel) {
        throw ConfigurationError("--also \(kernel)", "that kernel takes part already")
      }
      guests.append(try guestOptions.guest(kernel))
    }
    return BootBenchmark(
      guests: guests, vmms: vmms, qemuCPU: guestOptions.qemuCpu, runs: runs, warmup: warmup,
      goal: goal, until: until, limitNanoseconds: nanoseconds,
      postCodes: postCodes, pinned: pin ? try PinnedCPUs(guestCPUs: guests[0].cpus) : nil, label: guestOptions.label)
  }
}
