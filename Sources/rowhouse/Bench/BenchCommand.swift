import ArgumentParser

/// `rowhouse bench`: how long guests take, beside other virtual machine monitors.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures how long guests take to boot, beside other virtual machine monitors.",
    subcommands: [BenchBootCommand.self, BenchDensityCommand.self, BenchCompareCommand.self, BenchShowCommand.self])
}
