/// Two measurements of `rowhouse bench boot`, the later beside the earlier.
struct BootComparison {
  private let before: BootResults
  private let after: BootResults
  /// Those that were measured both times.
  private let pairs: [(before: BootResults.Contestant, after: BootResults.Contestant)]

  init(_ before: BootResults, _ after: BootResults) {
    self.before = before
    self.after = after
    pairs = after.contestants.compactMap { new in before.contestant(new.name).map { ($0, new) } }
  }

  var text: String {
    let told = MeasurementDifference(before, after).lines.map { $0 + "\n" }.joined()
    return ([told, times, resources].compactMap(\.self) + pairs.compactMap(phases)).joined(separator: "\n")
  }

  private var times: String {
    let times = before.comparedTimes.filter(after.comparedTimes.contains)
    let rows = pairs.flatMap { pair in
      times.compactMap { time in
        row(
          [pair.after.name, time.rawValue], pair.before.sample(time.of), pair.after.sample(time.of), "faster", "slower"
        ) { $0.milliseconds }
      }
    }
    return TextTable(["", "TIME"] + Self.head, rows).text + """
      Of two sessions with nothing changed the medians may differ by more than such an interval: before you believe a \
      small change, measure both again, in turns.

      """
  }

  private static let head = ["BEFORE", "AFTER", "AFTER / BEFORE, 95 %", ""]

  /// - Parameters:
  ///   - less: what it is when the later figures are smaller.
  /// - Returns: nil when not every run of both has the figure.
  private func row(
    _ name: [String], _ old: Sample?, _ new: Sample?, _ less: String, _ more: String, _ show: (Double) -> String
  ) -> [String]? {
    guard let old, let new else { return nil }
    // Nothing has no quotient.
    guard old.median > 0 else { return name + [show(old.median), show(new.median), "-", ""] }
    let ratio = Ratio(of: new, to: old)
    let judgement =
      if let low = ratio.low, let high = ratio.high {
        high < 1 ? less : low > 1 ? more : "no more than noise"
      } else {
        "too few runs to tell"
      }
    return name + [show(old.median), show(new.median), ratio.text, judgement]
  }

  private var resources: String? {
    let rows = pairs.flatMap { before, after -> [[String]] in
      func row(_ what: String, _ figure: (BootRun) -> UInt64?, _ show: (Double) -> String) -> [String]? {
        self.row([after.name, what], before.sample(figure), after.sample(figure), "less", "more", show)
      }
      return [
        row("CPU time", \.cpuNanoseconds) { $0.milliseconds },
        row("page faults", \.pageFaults) { $0.fixed(0) },
        row("largest process", \.peakResidentBytes) { ($0 / 1_048_576).fixed(1) + " MiB" },
        exits(before, after, "exits", \.count) { $0.fixed(0) },
        exits(before, after, "time at exits", \.nanoseconds) { $0.milliseconds },
      ].compactMap(\.self)
    }
    return rows.isEmpty ? nil : TextTable(["", "WHAT"] + Self.head, rows).text
  }

  /// Of all exits together, which one run each has told.
  private func exits(
    _ before: BootResults.Contestant, _ after: BootResults.Contestant, _ what: String, _ figure: (ExitCost) -> UInt64,
    _ show: (Double) -> String
  ) -> [String]? {
    func sum(_ exits: [ExitCost]?) -> Sample? { exits.flatMap { Sample([Double($0.map(figure).saturatingSum)]) } }
    return row([after.name, what], sum(before.exits), sum(after.exits), "less", "more", show)
  }

  /// Phase by phase, of the one run each whose end is the median.
  private func phases(_ old: BootResults.Contestant, _ new: BootResults.Contestant) -> String? {
    guard let old = BootPhases(of: old, in: before.guest), let phases = BootPhases(of: new, in: after.guest) else {
      return nil
    }
    let rows = phases.steps.compactMap { step in
      old.steps.first { $0.name == step.name }.map {
        [step.name, Double($0.time).milliseconds, Double(step.time).milliseconds]
      }
    }
    return "Phases of \(new.name), in the run whose end is the median:\n"
      + TextTable(["", "BEFORE", "AFTER"], rows).text
  }
}
