import ArgumentParser

/// `rowhouse bench show`: a measurement's tables once more.
struct BenchShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Prints the tables of a measurement again, from its results.json.")

  @Argument(help: ArgumentHelp("The results.json of `rowhouse bench boot` or `density`.", valueName: "results.json"))
  var results: String

  func run() throws {
    let text =
      switch try ResultsFile.read(results) {
      case .boot(let results): BootTable(results).text
      case .density(let results): results.table
      }
    print(text, terminator: "")
  }
}
