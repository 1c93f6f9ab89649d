import Metering

/// The results of `rowhouse bench boot` as a person reads them.
struct BootTable {
  private let results: BootResults
  /// How many of the dearest exits are shown.
  private static let exitLimit = 10

  init(_ results: BootResults) { self.results = results }

  var text: String {
    var parts = results.comparedTimes.compactMap(comparison)
    parts += results.contestants.filter { $0.kernelForm == .packed }.map {
      "The kernel of \($0.name) unpacked itself in the guest, at each start.\n"
    }
    parts.append(ResourceTable(results).text)
    parts += results.contestants.flatMap { [phases(of: $0), exits(of: $0)] }.compactMap(\.self)
    if !results.missing.isEmpty {
      parts.append(results.missing.map { "\($0.name) is missing: \($0.reason)\n" }.joined())
    }
    return parts.joined(separator: "\n")
  }

  private func comparison(of time: ComparedTime) -> String? {
    let first = results.contestants[0]
    let reference = first.sample(time.of)
    let rows = results.contestants.compactMap { contestant -> [String]? in
      guard let sample = contestant.sample(time.of) else { return nil }
      // Anew from the runs: files of before intervals needed a number of runs have some of any.
      let summary = Summary(sample)
      let times = [summary.minimum, summary.median, summary.p90, summary.maximum].map(\.milliseconds)
      let ratio = contestant.name == first.name ? nil : reference.map { reference in
        time.isAlike(first.initSource, contestant.initSource) ? Ratio(of: reference, to: sample).text : "-"
      }
      return [contestant.name] + times + [summary.intervalText ?? "-", ratio ?? ""]
    }
    if rows.isEmpty { return nil }
    let head = ["", "MINIMUM", "MEDIAN", "P90", "MAXIMUM", "MEDIAN, 95 %", "\(first.name.uppercased()) / IT, 95 %"]
    let runs = results.measurement.runs
    return "\(time.title), \(runs) run\(runs == 1 ? "" : "s") each:\n" + TextTable(head, rows).text
      + unlikeSources(time)
  }

  /// Says why some have no ratio, where init is another event of each.
  private func unlikeSources(_ time: ComparedTime) -> String {
    let told = results.contestants.filter { $0.sample(time.of) != nil }
    if told.allSatisfy({ time.isAlike(told[0].initSource, $0.initSource) }) { return "" }
    let names = told.map { "\($0.initSource?.name ?? "what is not known") of \($0.name)" }
    return "Init is told by \(names.joined(separator: ", ")): times to another event are not compared.\n"
  }

  private func phases(of contestant: BootResults.Contestant) -> String? {
    guard let phases = BootPhases(of: contestant, in: results.guest) else { return nil }
    let rows = phases.steps.map { step in
      [step.name, Double(step.time).milliseconds, step.sinceStart.map { Double($0).milliseconds } ?? ""]
    }
    return "Phases of \(contestant.name), in its most typical run:\n"
      + TextTable(["", "TIME", "SINCE START"], rows).text
  }

  private func exits(of contestant: BootResults.Contestant) -> String? {
    guard let exits = contestant.exits, let kvm = contestant.kvm else { return nil }
    let rows = exits.prefix(Self.exitLimit).map { exit in
      [
        exit.name, exit.reason, "0x" + String(exit.address, radix: 16), String(exit.count),
        Double(exit.nanoseconds).milliseconds,
      ]
    }
    let count = exits.map(\.count).saturatingSum
    let all = kvm["exits"].map { " of \($0) that KVM counts" } ?? ""
    // It is told at the end of the guest's life, which goes on a little after a goal before that.
    let beyond = results.measurement.until == "exit" ? "" : ", what came after the goal among them"
    return "Exits of \(contestant.name) from start to end, \(count)\(all)\(beyond), the dearest by time in the VMM:\n"
      + TextTable(["", "REASON", "ADDRESS", "COUNT", "TIME"], rows).text
  }
}
