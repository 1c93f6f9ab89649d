import ArgumentParser
import Machine

/// `rowhouse bench compare`: whether one measurement is more than noise away from another.
struct BenchCompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Says what changed between two measurements of `rowhouse bench boot`, or of `density`.",
    discussion: """
      A change counts when the 95 % interval of the quotient of the two medians, by bootstrap, leaves out 1. It is more \
      than chance between runs then, and may still be the session's. So what else differed, in the computer, the guest \
      or the measuring, is said first, and who was measured only once.
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
