/// Two measurements of `rowhouse bench boot`, the later beside the earlier.
struct BootComparison {
  private let before: BootResults
  private let after: BootResults
  /// Those that were measured both times.
  private let pairs: [Pair]

  private struct Pair {
    let before: BootResults.Contestant
    let after: BootResults.Contestant
    /// Whether it is the same program both times, which tells what the machine changed.
    let isControl: Bool
  }

  init(_ before: BootResults, _ after: BootResults) {
    self.before = before
    self.after = after
    pairs = after.contestants.compactMap { new in
      before.contestant(new.name).map { old in
        Pair(before: old, after: new, isControl: new.isSameProgram(in: after.guest, as: old, in: before.guest))
      }
    }
  }

  var text: String {
    let told = MeasurementDifference(before, after).lines.map { $0 + "\n" }.joined()
    return ([told, times, resources].compactMap(\.self) + pairs.compactMap(phases)).joined(separator: "\n")
  }

  private var times: String {
    let times = before.comparedTimes.filter(after.comparedTimes.contains)
    let rows = pairs.flatMap { pair -> [ChangeTable.Row] in
      times.compactMap { time -> ChangeTable.Row? in
        // An older file does not say what told init.
        guard time.isAlike(pair.before.initSource, pair.after.initSource) else { return nil }
        return row(pair, time.rawValue, pair.before.sample(time.of), pair.after.sample(time.of)) { $0.milliseconds }
      }
    }
    return ChangeTable("TIME", rows, less: "faster", more: "slower").text + explanation
      + "\nBefore you believe a small change, measure both again, in turns.\n"
  }

  private var explanation: String {
    let controls = pairs.filter(\.isControl).map(\.after.name)
    if controls.isEmpty {
      return """
        Of two sessions with nothing changed the medians may differ by more than such an interval, and nobody was \
        measured whose program is known to be the same both times, to tell what the machine changed.
        """
    }
    return """
      Beside others: the change divided by the mean one of \(controls.joined(separator: ", ")), which are the same \
      programs both times, so theirs is the machine's, or of what is said above to differ. Its intervals are so wide \
      that of a whole table with nothing changed one leaves out 1 in 5 of 100 comparisons, if the machine changes \
      alike for all. It need not, so a verdict also holds beside each of them alone.
      """
  }

  /// - Returns: nil when not every run of both has the figure.
  private func row(
    _ pair: Pair, _ what: String, _ old: Sample?, _ new: Sample?, _ show: @escaping (Double) -> String
  ) -> ChangeTable.Row? {
    guard let old, let new else { return nil }
    return ChangeTable.Row(
      name: pair.after.name, what: what, change: Change(before: old, after: new), isControl: pair.isControl,
      show: show)
  }

  private var resources: String? {
    let rows = pairs.flatMap { pair -> [ChangeTable.Row] in
      func row(
        _ what: String, _ figure: (BootRun) -> UInt64?, _ show: @escaping (Double) -> String
      ) -> ChangeTable.Row? {
        self.row(pair, what, pair.before.sample(figure), pair.after.sample(figure), show)
      }
      return [
        row("CPU time", \.cpuNanoseconds) { $0.milliseconds },
        row("page faults", \.pageFaults) { $0.fixed(0) },
        row("largest process", \.peakResidentBytes) { ($0 / 1_048_576).fixed(1) + " MiB" },
        exits(pair, "exits", \.count) { $0.fixed(0) },
        exits(pair, "time at exits", \.nanoseconds) { $0.milliseconds },
      ].compactMap(\.self)
    }
    return rows.isEmpty ? nil : ChangeTable("WHAT", rows, less: "less", more: "more").text
  }

  /// Of all exits together, which one run each has told.
  private func exits(
    _ pair: Pair, _ what: String, _ figure: (ExitCost) -> UInt64, _ show: @escaping (Double) -> String
  ) -> ChangeTable.Row? {
    func sum(_ exits: [ExitCost]?) -> Sample? { exits.flatMap { Sample([Double($0.map(figure).saturatingSum)]) } }
    return row(pair, what, sum(pair.before.exits), sum(pair.after.exits), show)
  }

  /// Phase by phase, of the most typical run each.
  private func phases(_ pair: Pair) -> String? {
    guard let old = BootPhases(of: pair.before, in: before.guest),
      let phases = BootPhases(of: pair.after, in: after.guest)
    else { return nil }
    let rows = phases.steps.compactMap { step in
      old.steps.first { $0.name == step.name }.map {
        [step.name, Double($0.time).milliseconds, Double(step.time).milliseconds]
      }
    }
    return "Phases of \(pair.after.name), in its most typical run:\n"
      + TextTable(["", "BEFORE", "AFTER"], rows).text
  }
}
