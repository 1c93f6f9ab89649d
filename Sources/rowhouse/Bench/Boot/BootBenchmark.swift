import ArgumentParser
import Host
import Machine

/// Runs the contestants in turns, one run of each a round, and puts together what came of it.
struct BootBenchmark {
  let guests: [BenchedGuest]
  let vmms: [BenchedVMM]
  let qemuCPU: String
  let runs: Int
  let warmup: Int
  let goal: BootGoal
  /// The goal as the person wrote it.
  let until: String
  let limitNanoseconds: UInt64
  let postCodes: Bool
  let pinned: PinnedCPUs?
  let label: String?

  /// - Throws: a ``HostError``, also when nobody is left to measure; an `ExitCode` when it was interrupted.
  func run() throws -> BootResults {
    let occasion = Occasion(label: label)
    let interruption = try host { () throws(SystemCallError) in try Interruption() }
    defer { interruption.end() }
    let street = BenchedStreet(for: vmms)
    defer { street.close() }
    var missing: [MissingContestant] = []
    var entries = Contestant.find(vmms, guests: guests, qemuCPU: qemuCPU, postCodes: postCodes, missing: &missing)
      .map { Entry(contestant: $0) }
    var progress = ProgressBar(total: entries.map { turns(of: $0.contestant, after: 0) }.reduce(0, +))
    defer { progress.clear() }
    var rounds = Rounds()
    for round in 0..<warmup + runs {
      // The runs that count are in balance among themselves.
      if round == warmup { rounds = Rounds() }
      let left = entries.indices.filter { entries[$0].failure == nil }
      for index in rounds.next(of: left.count).map({ left[$0] }) {
        let contestant = entries[index].contestant
        progress.next(contestant.name)
        let outcome = try host { () throws(SystemCallError) in
          try BootTrial(contestant, until: goal, limit: limitNanoseconds, or: interruption).run(cpus: pinned)
        }
        try interruption.check()
        switch outcome {
        case .done(let run):
          if round >= warmup { entries[index].runs.append(run) }
        case .failed(let reason):
          // One that fails once is out: what is left would be the runs that went well.
          entries[index].failure = reason
          progress.leaveOut(turns(of: contestant, after: round + 1))
          missing.append(.init(name: contestant.name, reason: reason))
        }
      }
    }
    entries.removeAll { $0.failure != nil }
    guard !entries.isEmpty else { throw missing.nothingToMeasure }
    for (index, source) in InitSource.choose(for: entries.map(\.runs)).enumerated() {
      entries[index].tellInit(by: source, goal)
    }
    let profiles = try entries.map { entry throws(ExitCode) in
      try profile(of: entry.contestant, &progress, interruption)
    }
    return BootResults(
      kind: BootResults.kind, occasion: occasion, host: HostDescription(),
      guest: .init(
        kernels: guests.map { FileDescription($0.kernel) }, initrd: guests[0].initrd.map(FileDescription.init),
        commandLine: guests[0].commandLine, cpus: guests[0].cpus, memoryBytes: guests[0].memoryBytes,
        options: guests[0].optionTexts),
      measurement: .init(
        runs: runs, warmup: warmup, until: until, pinned: pinned != nil, limitSeconds: Double(limitNanoseconds) / 1e9),
      contestants: zip(entries, profiles).map { entry, profile in
        .init(
          entry.contestant, runs: entry.runs, initSource: entry.initSource,
          reference: (entries[0].runs, entries[0].initSource), profile: profile)
      },
      missing: missing)
  }

  /// Who takes part, and what came of it so far.
  private struct Entry {
    let contestant: Contestant
    var runs: [BootRun] = []
    /// What the runs' `init` is told by, once all are known.
    var initSource: InitSource?
    /// Why it is out; nil: it is not.
    var failure: String?

    mutating func tellInit(by source: InitSource?, _ goal: BootGoal) {
      initSource = source
      for index in runs.indices {
        runs[index].tellInit(by: source)
        runs[index].forget(after: goal.moment)
      }
    }
  }

  /// How many times a contestant is started after so many rounds.
  private func turns(of contestant: Contestant, after rounds: Int) -> Int {
    warmup + runs - rounds + (contestant.vmm.canTellExits ? 1 : 0)
  }

  /// One more run of one that can tell what its exits cost. Telling takes time, so it is none of those that count.
  private func profile(
    of contestant: Contestant, _ progress: inout ProgressBar, _ interruption: Interruption
  ) throws(ExitCode) -> ProfileReading? {
    guard contestant.vmm.canTellExits else { return nil }
    progress.next("\(contestant.name), its exits")
    do throws(HostError) { return try profile(of: contestant, interruption) } catch {
      try interruption.check()
      // What was measured before stays.
      progress.clear()
      StandardError.say("there is no table of the exits of \(contestant.name): \(error)")
      return nil
    }
  }

  private func profile(
    of contestant: Contestant, _ interruption: Interruption
  ) throws(HostError) -> ProfileReading {
    let file = try host { () throws(SystemCallError) in try Descriptor.memory(named: "exit-profile") }
    let outcome = try host { () throws(SystemCallError) in
      try BootTrial(contestant, until: goal, limit: limitNanoseconds, or: interruption).run(
        cpus: pinned, profile: file.number)
    }
    if case .failed(let reason) = outcome { throw HostError("the run that was to tell them does not count: \(reason)") }
    let bytes = try host { () throws(SystemCallError) in
      try file.read(count: Int(clamping: try file.status().size), at: 0)
    }
    guard let profile = ProfileReading(String(decoding: bytes, as: UTF8.self)) else {
      throw HostError("it did not write them")
    }
    return profile
  }
}
