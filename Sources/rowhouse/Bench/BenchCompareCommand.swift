import ArgumentParser

/// `rowhouse bench compare`: whether one measurement is more than noise away from another.
struct BenchCompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Says what changed between two measurements of `rowhouse bench boot`.",
    discussion: """
      A change counts when the 95 % interval of the quotient of the two medians, by bootstrap, leaves out 1. What else \
      differed, in the computer, the guest or the measuring, is said first, and who was measured only once.
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
      guard let earlier = before.contestant(contestant.name) else { continue }
      for time in ComparedTime.allCases {
        guard let old = earlier.sample(time.of), let new = contestant.sample(time.of) else { continue }
        rows.append([contestant.name, time.rawValue] + row(old, new))
      }
    }
    let head = ["", "TIME", "BEFORE", "AFTER", "AFTER / BEFORE, 95 %", ""]
    let lines = MeasurementDifference(before, after).lines
    return lines.map { $0 + "\n" }.joined() + TextTable(head, rows).text
  }

  /// Of fewer runs the bootstrap's interval is too narrow: of two samples of one distribution it calls every third pair
  /// of two runs different, every eighth of three, and of five no more than it says.
  private static let fewestRuns = 5

  private static func row(_ old: Sample, _ new: Sample) -> [String] {
    let ratio = Ratio(of: new, to: old)
    let judgement =
      if min(old.values.count, new.values.count) < fewestRuns {
        "too few runs to tell"
      } else if ratio.high < 1 { "faster" } else if ratio.low > 1 { "slower" } else { "no more than noise" }
    return [old.median.milliseconds, new.median.milliseconds, ratio.text, judgement]
  }
}
