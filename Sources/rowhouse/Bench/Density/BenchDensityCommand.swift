import ArgumentParser
import Machine

/// `rowhouse bench density`: what many guests at once take.
struct BenchDensityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "density",
    abstract: "Starts many guests one after the other, and measures how fast they come and what they take.",
    discussion: """
      A guest has started when its console says the first byte; then the next one is started, and all stay. At 1, 10, \
      100… guests memory is looked at, a second after the last start: what of each VMM is resident, its share of what \
      it shares with others, and how much of that is not the guest's memory. The kernel must be one that does not end \
      by itself, such as our echo.elf.

      The exit status:
        0    measured
        1    the host failed, or rowhouse itself did not start the guests, or they did not stay
        2    wrong arguments
        128 + N  ended by signal N, as 130 by Ctrl-C, with nothing kept
      """)

  @Argument(help: "The kernel.")
  var kernel: String

  @OptionGroup var guestOptions: BenchedGuestOptions

  @Option(name: .customShort("n"), help: "How many guests.")
  var guests = 100

  func run() throws {
    let most = BenchedGuestOptions.mostRuns
    guard (1...most).contains(guests) else {
      throw ConfigurationError("-n \(guests)", "give a number from 1 to \(most)")
    }
    let vmms = try guestOptions.vmms()
    let benchmark = DensityBenchmark(
      guest: try guestOptions.guest(kernel), vmms: vmms, qemuCPU: guestOptions.qemuCpu,
      guests: guests, limitNanoseconds: try guestOptions.limitNanoseconds(), label: guestOptions.label)
    let folder = try guestOptions.output.map { path throws(ConfigurationError) in try ResultsFolder(path) }
    let results = try benchmark.run()
    print(results.table, terminator: "")
    try folder?.write(results)
    if results.missing.lackRowhouse { throw ExitCode(1) }
  }
}
