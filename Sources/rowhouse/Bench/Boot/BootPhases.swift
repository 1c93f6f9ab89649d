/// Where the time of a VMM that tells more than what is seen from outside goes, one phase after the other: medians.
///
/// KVM makes the machine on one thread while another reads the configuration and loads the image. Both begin when the
/// process has started, and the guest needs both, so they are one phase, with what each took in it.
struct BootPhases {
  struct Step {
    let name: String
    /// In nanoseconds.
    let time: Double
    /// From the VMM's start to the step's end; nil: it is a part of the step before, and others went on at once.
    let sinceStart: Double?
  }

  let steps: [Step]

  /// - Returns: nil when not every run tells those two.
  init?(of contestant: BootResults.Contestant, in guest: BootResults.Guest) {
    func median(_ time: (BootRun) -> UInt64?) -> Double? { contestant.sample(time)?.median }
    guard let together = median({ Self.later($0[.machineCreated], $0[.imageLoaded]) }) else { return nil }
    var ends = [("KVM set-up, and meanwhile image load", together)]
    for moment in BootMoment.allCases where moment != .machineCreated && moment != .imageLoaded {
      if moment == .firstByte, guest.isQuiet { continue }
      if let end = median({ $0[moment] }) { ends.append((moment.phase, end)) }
    }
    var steps: [Step] = []
    var last = 0.0
    for (name, end) in ends.sorted(by: { $0.1 < $1.1 }) {
      steps.append(Step(name: name, time: end - last, sinceStart: end))
      last = end
      guard name == ends[0].0 else { continue }
      for part in [BootMoment.machineCreated, .imageLoaded] {
        guard let time = median({ Self.difference($0[part], $0[.processStarted]) }) else { continue }
        steps.append(Step(name: "  of it \(part.phase)", time: time, sinceStart: nil))
      }
    }
    self.steps = steps
  }

  private static func later(_ one: UInt64?, _ other: UInt64?) -> UInt64? {
    guard let one, let other else { return nil }
    return max(one, other)
  }

  private static func difference(_ end: UInt64?, _ begin: UInt64?) -> UInt64? {
    guard let end, let begin, end >= begin else { return nil }
    return end - begin
  }
}

extension BootResults.Guest {
  /// Whether it is a Linux that says nothing unless something is wrong. Its first byte is another event under each VMM,
  /// whatever it is that the kernel misses there, so it is compared with nobody's.
  var isQuiet: Bool { commandLine?.split(separator: " ").contains("quiet") ?? false }
}
