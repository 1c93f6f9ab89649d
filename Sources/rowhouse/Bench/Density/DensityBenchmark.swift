import Glibc
import Host
import Machine

/// Starts guests one after the other and looks at what all of them take.
struct DensityBenchmark {
  let guest: BenchedGuest
  let vmms: [BenchedVMM]
  let qemuCPU: String
  let guests: Int
  let limitNanoseconds: UInt64
  let label: String?

  /// - Throws: a ``HostError``; an `ExitCode` when it was interrupted.
  func run() throws -> DensityResults {
    let occasion = Occasion(label: label)
    let interruption = try host { () throws(SystemCallError) in try Interruption() }
    defer { interruption.end() }
    let street = BenchedStreet(for: vmms)
    defer { street.close() }
    var missing: [MissingContestant] = []
    let contestants = Contestant.find(vmms, guests: [guest], qemuCPU: qemuCPU, missing: &missing)
    var progress = ProgressBar(total: contestants.count * guests)
    defer { progress.clear() }
    var results: [DensityResults.Contestant] = []
    for contestant in contestants {
      let outcome = try host { () throws(SystemCallError) in try measure(contestant, &progress, interruption) }
      try interruption.check()
      switch outcome {
      case .done(let points):
        results.append(
          .init(
            name: contestant.name, version: contestant.version, command: contestant.commandLine, points: points))
      case .failed(let reason, let started):
        progress.leaveOut(guests - started)
        missing.append(.init(name: contestant.name, reason: reason))
      }
    }
    guard !results.isEmpty else { throw missing.nothingToMeasure }
    return DensityResults(
      kind: DensityResults.kind, occasion: occasion, host: HostDescription(), kernel: FileDescription(guest.kernel),
      initrd: guest.initrd.map(FileDescription.init), commandLine: guest.commandLine, options: guest.optionTexts,
      cpus: guest.cpus, memoryBytes: guest.memoryBytes, contestants: results, missing: missing)
  }

  private enum Outcome {
    case done([DensityResults.Point])
    /// Why, and how many guests of it were started before.
    case failed(String, started: Int)
  }

  private func measure(
    _ contestant: Contestant, _ progress: inout ProgressBar, _ interruption: Interruption
  ) throws(SystemCallError) -> Outcome {
    // The first guest of a program reads it from its disk: it is not counted.
    let first = try DensityStreet(contestant, or: interruption).start(limitNanoseconds: limitNanoseconds)
    if let first { return .failed(first, started: 0) }
    return try fill(try DensityStreet(contestant, or: interruption), &progress)
  }

  /// From the last start to the look at memory: who gives back what only starting took has done so by then.
  private static let settlingMicroseconds: UInt32 = 1_000_000

  private func fill(
    _ street: DensityStreet, _ progress: inout ProgressBar
  ) throws(SystemCallError) -> Outcome {
    var points: [DensityResults.Point] = []
    // Waiting for memory to settle, and looking at it, takes time that no start shall be charged with.
    var spent: UInt64 = 0
    var next = 1
    for count in 1...guests {
      progress.next("\(street.contestant.name), guest \(count)")
      let started = Instant.now
      if let reason = try street.start(limitNanoseconds: limitNanoseconds) { return .failed(reason, started: count) }
      spent += Instant.now.nanoseconds(since: started)
      guard count == next || count == guests else { continue }
      if count == next { next *= 10 }
      usleep(Self.settlingMicroseconds)
      if let reason = try street.endReason() { return .failed(reason, started: count) }
      let tree = try ProcessTree()
      let memory: [ResidentMemory]
      do throws(ResidentMemory.Fault) {
        memory = try street.memory(tree, guestBytes: guest.memoryBytes)
      } catch {
        return .failed("\(error)", started: count)
      }
      points.append(
        .init(
          guests: count, startNanoseconds: spent, guestsPerSecond: Double(count) * 1e9 / Double(spent),
          residentBytesPerGuest: memory.reduce(0) { $0 + $1.proportional } / UInt64(count),
          overheadBytesPerGuest: memory.reduce(0) { $0 + $1.overhead } / UInt64(count)))
    }
    return .done(points)
  }
}
