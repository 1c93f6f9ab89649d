/// Where the time of a VMM that tells more than what is seen from outside goes, one phase after the other.
///
/// They are those of one run, so that they add up to its end: the run whose end is the median, or the earlier of the
/// two in the middle. Medians of each phase by itself would be of different runs.
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
    guard let run = contestant.medianRun, let machine = run[.machineCreated], let image = run[.imageLoaded] else {
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
  /// The run whose end is the median, or the earlier of the two in the middle; its end is what `--until` names.
  var medianRun: BootRun? {
    let goals: [BootMoment] = [.exit, .marker, .initReached]
    guard let end = goals.first(where: { goal in runs.allSatisfy { $0[goal] != nil } }) else { return nil }
    let sorted = runs.sorted { ($0[end] ?? 0) < ($1[end] ?? 0) }
    return sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
  }
}

extension BootResults.Guest {
  /// Whether it is a Linux that says nothing unless something is wrong. Its first byte is another event under each VMM,
  /// whatever it is that the kernel misses there, so it is compared with nobody's.
  var isQuiet: Bool { commandLine?.split(separator: " ").contains("quiet") ?? false }
}
