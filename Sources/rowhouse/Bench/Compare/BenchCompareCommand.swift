import ArgumentParser
import Machine

/// `rowhouse bench compare`: whether one measurement is further from another than noise and the machine take it.
struct BenchCompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Says what changed between two measurements of `rowhouse bench boot`, or of `density`.",
    discussion: """
      A machine may be faster on one day than on another. So a change counts beside those of the other programs that \
      are the same in both files, such as QEMU: when the interval of what is left of it, by bootstrap, leaves out 1. \
      Of one that they share it says "as the machine". Where no other is the same, the machine cannot be told from the \
      program, and the verdict says so. What else differed, in the computer, the guest or the measuring, is said \
      first, and who was measured only once.
      """)

  @Argument(help: ArgumentHelp("The results.json before.", valueName: "a.json"))
  var before: String

  @Argument(help: ArgumentHelp("The results.json after.", valueName: "b.json"))
  var after: String

  func run() throws {
    let text =
      switch (try ResultsFile.read(before), try ResultsFile.read(after)) {
      case (.boot(let old), .boot(let new)): BootComparison(old, new).text
      case (.density(let old), .density(let new)): DensityComparison(old, new).text
      case (.boot, .density), (.density, .boot):
        throw ConfigurationError(after, "it is of another kind than \(before): give two of `boot`, or two of `density`")
      }
    print(text, terminator: "")
  }
}
