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
    var contestants = Contestant.find(
      vmms, guests: guests, qemuCPU: qemuCPU, postCodes: postCodes, missing: &missing)
    var results: [String: [BootRun]] = [:]
    var progress = ProgressBar(total: contestants.map { turns(of: $0, after: 0) }.reduce(0, +))
    defer { progress.clear() }
    for round in 0..<warmup + runs {
      for contestant in Rounds.order(round, of: contestants.count).map({ contestants[$0] }) {
        progress.next(contestant.name)
        let outcome = try host { () throws(SystemCallError) in
          try BootTrial(contestant, until: goal, or: interruption).run(limit: limitNanoseconds, cpus: pinned)
        }
        try interruption.check()
        switch outcome {
        case .done(let run):
          if round >= warmup { results[contestant.name, default: []].append(run) }
        case .failed(let reason):
          // One that fails once is out: what is left would be the runs that went well.
          contestants.removeAll { $0.name == contestant.name }
          progress.leaveOut(turns(of: contestant, after: round + 1))
          missing.append(.init(name: contestant.name, reason: reason))
        }
      }
    }
    let profiles = try profiles(of: contestants, &progress, interruption)
    guard let first = contestants.first else {
      let reasons = missing.map { "\($0.name): \($0.reason)" }.joined(separator: "; ")
      throw HostError("there is nothing to measure: \(reasons)")
    }
    let reference = results[first.name] ?? []
    return BootResults(
      kind: BootResults.kind, occasion: occasion, host: HostDescription(),
      guest: .init(
        kernels: guests.map { FileDescription($0.kernel) }, initrd: guests[0].initrd.map(FileDescription.init),
        commandLine: guests[0].commandLine, cpus: guests[0].cpus, memoryBytes: guests[0].memoryBytes),
      measurement: .init(
        runs: runs, warmup: warmup, until: until, pinned: pinned != nil, limitSeconds: Double(limitNanoseconds) / 1e9),
      contestants: contestants.map {
        .init($0, runs: results[$0.name] ?? [], reference: reference, profile: profiles[$0.name])
      },
      missing: missing)
  }

  /// How many times a contestant is started after so many rounds.
  private func turns(of contestant: Contestant, after rounds: Int) -> Int {
    warmup + runs - rounds + (contestant.vmm.canTellExits ? 1 : 0)
  }

  /// One more run of each that can tell what its exits cost. Telling takes time, so it is none of those that count.
  private func profiles(
    of contestants: [Contestant], _ progress: inout ProgressBar, _ interruption: Interruption
  ) throws(ExitCode) -> [String: ProfileReading] {
    var profiles: [String: ProfileReading] = [:]
    for contestant in contestants where contestant.vmm.canTellExits {
      progress.next("\(contestant.name), its exits")
      do throws(HostError) { profiles[contestant.name] = try profile(of: contestant, interruption) } catch {
        try interruption.check()
        // What was measured before stays.
        progress.clear()
        StandardError.say("there is no table of the exits of \(contestant.name): \(error)")
      }
    }
    return profiles
  }

  private func profile(
    of contestant: Contestant, _ interruption: Interruption
  ) throws(HostError) -> ProfileReading {
    let file = try host { () throws(SystemCallError) in try Descriptor.memory(named: "exit-profile") }
    let outcome = try host { () throws(SystemCallError) in
      try BootTrial(contestant, until: goal, or: interruption).run(
        limit: limitNanoseconds, cpus: pinned, profile: file.number)
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

  /// Whether rowhouse was to take part and did not.
  func hasFailed(_ results: BootResults) -> Bool {
    results.missing.contains { $0.isRefused != true && $0.name.hasPrefix(BenchedVMM.rowhouse.rawValue) }
  }
}
