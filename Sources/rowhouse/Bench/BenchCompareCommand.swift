import ArgumentParser

/// `rowhouse bench compare`: whether one measurement is more than noise away from another.
struct BenchCompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Says what changed between two measurements of `rowhouse bench boot`.",
    discussion: """
      A change counts when the 95 % interval of the quotient of the two medians, by bootstrap, leaves out 1. What else \
      differed, the computer or the kernel, is said first.
      """)

  @Argument(help: ArgumentHelp("The results.json before.", valueName: "a.json"))
  var before: String

  @Argument(help: ArgumentHelp("The results.json after.", valueName: "b.json"))
  var after: String

  func run() throws {
    print(Self.text(try ResultsFile.readBoot(before), try ResultsFile.readBoot(after)), terminator: "")
  }

  static func text(_ before: BootResults, _ after: BootResults) -> String {
    var rows: [[String]] = []
    for contestant in after.contestants {
      guard let earlier = before.contestants.first(where: { $0.name == contestant.name }) else { continue }
      for time in ComparedTime.allCases {
        guard let old = earlier.sample(time.of), let new = contestant.sample(time.of) else { continue }
        rows.append([contestant.name, time.rawValue] + row(old, new))
      }
    }
    let head = ["", "TIME", "BEFORE", "AFTER", "AFTER / BEFORE, 95 %", ""]
    return differences(before, after).map { $0 + "\n" }.joined() + TextTable(head, rows).text
  }

  /// Of fewer runs the bootstrap's interval is too narrow: of two samples of one distribution it calls every third pair of two
  /// runs different, every eighth of three, and of five no more than it says.
  private static let fewestRuns = 5

  private static func row(_ old: Sample, _ new: Sample) -> [String] {
    let ratio = Ratio(of: new, to: old)
    let judgement =
      if min(old.values.count, new.values.count) < fewestRuns {
        "too few runs to tell"
      } else if ratio.high < 1 { "faster" } else if ratio.low > 1 { "slower" } else { "no more than noise" }
    return [old.median.milliseconds, new.median.milliseconds, ratio.text, judgement]
  }

  /// What makes two measurements unlike, apart from what was measured.
  private static func differences(_ before: BootResults, _ after: BootResults) -> [String] {
    var lines: [String] = []
    if before.host != after.host { lines.append("The computers differ, or what runs on them.") }
    if before.guest.kernels.map(\.sha256) != after.guest.kernels.map(\.sha256) { lines.append("The kernels differ.") }
    if before.guest.initrd?.sha256 != after.guest.initrd?.sha256 { lines.append("The initial RAM disks differ.") }
    if before.guest.commandLine != after.guest.commandLine { lines.append("The command lines differ.") }
    if (before.guest.cpus, before.guest.memoryBytes) != (after.guest.cpus, after.guest.memoryBytes) {
      lines.append("The guests' CPUs or memory differ.")
    }
    return lines
  }
}
