/// The results of `rowhouse bench boot` as a person reads them.
struct BootTable {
  private let results: BootResults
  /// How many of the dearest exits are shown.
  private static let exitLimit = 10

  init(_ results: BootResults) { self.results = results }

  var text: String {
    var parts = ComparedTime.allCases.compactMap(comparison)
    parts += [resources] + results.contestants.flatMap { [phases(of: $0), exits(of: $0)] }.compactMap(\.self)
    if !results.missing.isEmpty {
      parts.append(results.missing.map { "\($0.name) is missing: \($0.reason)\n" }.joined())
    }
    return parts.joined(separator: "\n")
  }

  private func comparison(of time: ComparedTime) -> String? {
    if time == .firstByte, results.guest.isQuiet { return nil }
    let first = results.contestants[0].name
    let rows = results.contestants.compactMap { contestant -> [String]? in
      guard let summary = contestant.summary[time.rawValue] else { return nil }
      let times = [summary.minimum, summary.median, summary.p90, summary.maximum].map(\.milliseconds)
      let interval = "\((summary.medianLow / 1e6).fixed(2)) to \((summary.medianHigh / 1e6).fixed(2))"
      let ratio = contestant.name == first ? "" : contestant.ratios[time.rawValue]?.text ?? ""
      return [contestant.name] + times + [interval, ratio]
    }
    if rows.isEmpty { return nil }
    let head = ["", "MINIMUM", "MEDIAN", "P90", "MAXIMUM", "MEDIAN, 95 %", "\(first.uppercased()) / IT, 95 %"]
    let runs = results.measurement.runs
    return "\(time.title), \(runs) run\(runs == 1 ? "" : "s") each:\n" + TextTable(head, rows).text
  }

  private var resources: String {
    func median(_ runs: [BootRun], _ figure: (BootRun) -> UInt64?) -> Double? {
      Sample(runs.compactMap(figure).map { Double($0) })?.median
    }
    let rows = results.contestants.map { contestant -> [String] in
      let runs = contestant.runs
      return [
        contestant.name, median(runs, \.userNanoseconds)?.milliseconds ?? "-",
        median(runs, \.systemNanoseconds)?.milliseconds ?? "-",
        median(runs, \.guestNanoseconds)?.milliseconds ?? "-",
        median(runs) { $0.minorFaults + $0.majorFaults }?.fixed(0) ?? "-",
        median(runs, \.peakResidentBytes).map { ($0 / 1_048_576).fixed(1) + " MiB" } ?? "-",
      ]
    }
    return "Medians of CPU time, page faults and memory:\n"
      + TextTable(["", "USER", "SYSTEM", "OF IT GUEST", "FAULTS", "PEAK RESIDENT"], rows).text
  }

  private func phases(of contestant: BootResults.Contestant) -> String? {
    guard let phases = BootPhases(of: contestant, in: results.guest) else { return nil }
    let rows = phases.steps.map { [$0.name, $0.time.milliseconds, $0.sinceStart?.milliseconds ?? ""] }
    return "Phases of \(contestant.name), medians:\n" + TextTable(["", "TIME", "SINCE START"], rows).text
  }

  private func exits(of contestant: BootResults.Contestant) -> String? {
    guard let exits = contestant.exits, let kvm = contestant.kvm else { return nil }
    let rows = exits.prefix(Self.exitLimit).map { exit in
      [
        exit.name, exit.reason, "0x" + String(exit.address, radix: 16), String(exit.count),
        Double(exit.nanoseconds).milliseconds,
      ]
    }
    let count = exits.reduce(0) { $0 + $1.count }
    let all = kvm["exits"].map { " of \($0) that KVM counts" } ?? ""
    // It is told at the end of the guest's life, which goes on a little after a goal before that.
    let beyond = results.measurement.until == "exit" ? "" : ", what came after the goal among them"
    return "Exits of \(contestant.name) from start to end, \(count)\(all)\(beyond), the dearest by time in the VMM:\n"
      + TextTable(["", "REASON", "ADDRESS", "COUNT", "TIME"], rows).text
  }
}
