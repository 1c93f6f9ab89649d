/// Where the time of a VMM that tells more than what is seen from outside goes, one phase after the other.
///
/// They are those of one run, the most typical one, so that they add up to its end. Medians of each phase by itself
/// would be of different runs.
///
/// KVM makes the machine on one thread while another reads the configuration and loads the image. Both begin when the
/// process has started, and the guest needs both, so they are one phase, with what each took in it.
struct BootPhases {
  struct Step: Equatable {
    let name: String
    /// In nanoseconds.
    let time: UInt64
    /// From the VMM's start to the step's end; nil: it is a part of the step before, and others went on at once.
    let sinceStart: UInt64?
  }

  let steps: [Step]

  /// - Returns: nil when that run does not tell those two.
  init?(of contestant: BootResults.Contestant, in guest: BootResults.Guest) {
    guard let run = contestant.typicalRun, let machine = run[.machineCreated], let image = run[.imageLoaded] else {
      return nil
    }
    let together = "KVM set-up, and meanwhile image load"
    var ends = [(together, max(machine, image))]
    for moment in BootMoment.allCases where moment != .machineCreated && moment != .imageLoaded {
      if moment == .firstByte, guest.isQuiet { continue }
      if let end = run[moment] { ends.append((moment.phase, end)) }
    }
    var steps: [Step] = []
    var last: UInt64 = 0
    for (name, end) in ends.sorted(by: { $0.1 < $1.1 }) {
      steps.append(Step(name: name, time: end - last, sinceStart: end))
      last = end
      guard name == together, let began = run[.processStarted] else { continue }
      for (part, end) in [(BootMoment.machineCreated, machine), (.imageLoaded, image)] where end >= began {
        steps.append(Step(name: "  of it \(part.phase)", time: end - began, sinceStart: nil))
      }
    }
    self.steps = steps
  }
}

extension BootResults.Contestant {
  /// The run whose moments, of those that every run has, are together nearest to their medians, each as a part of its
  /// median; of several such the first.
  ///
  /// It is not the one whose end is the median: what takes longest decides which that is, and the rest of it may be as
  /// in hardly any other run. Tests/Benchmarks/boot_phases.py chooses the same one.
  var typicalRun: BootRun? {
    let medians = BootMoment.allCases.compactMap { moment -> (moment: BootMoment, time: Double)? in
      // Nothing is no part of nothing.
      guard let median = sample({ $0[moment] })?.median, median > 0 else { return nil }
      return (moment, median)
    }
    let distances = runs.map { run in
      medians.reduce(0.0) { sum, median in
        sum + (Double(run[median.moment] ?? 0) - median.time).magnitude / median.time
      }
    }
    return zip(runs, distances).min { $0.1 < $1.1 }?.0
  }
}

extension BootResults.Guest {
  /// Whether it is a Linux that says nothing unless something is wrong. Its first byte is another event under each VMM,
  /// whatever it is that the kernel misses there, so it is compared with nobody's.
  var isQuiet: Bool { commandLine?.split(separator: " ").contains("quiet") ?? false }
}
