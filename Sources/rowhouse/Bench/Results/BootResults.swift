/// results.json of `rowhouse bench boot`: everything that is known, the runs one by one.
struct BootResults: JSONDocument, Decodable {
  struct Guest: Codable {
    let kernels: [FileDescription]
    let initrd: FileDescription?
    let commandLine: String?
    let cpus: Int
    let memoryBytes: UInt64
    /// What else was asked for, as options of `rowhouse run`, one each; nil: it was not written down yet.
    var options: [String]?
  }

  struct Measurement: Codable {
    let runs: Int
    let warmup: Int
    let until: String
    let pinned: Bool
    let limitSeconds: Double
  }

  struct Contestant: Codable {
    let name: String
    let vmm: String
    let kernel: String
    let version: String
    let command: String
    /// See ``Contestant/kernelForm``; nil also: it was not written down yet.
    var kernelForm: KernelForm?
    /// What the runs' `init` is told by; nil also: it was not written down yet.
    var initSource: InitSource?
    /// What the first start of all took longer; nil: nothing, or it is not known.
    let unpackNanoseconds: UInt64?
    let runs: [BootRun]
    /// By ``BootMoment`` and ``ComparedTime``, those that every run reached.
    let summary: [String: Summary]
    /// The first contestant's median by this one's, by ``ComparedTime``, where both are times to the same event.
    let ratios: [String: Ratio]
    /// From a run of its own, which is not among the others; nil for VMMs that cannot tell.
    let exits: [ExitCost]?
    /// KVM's own counters of that run.
    let kvm: [String: UInt64]?
  }

  /// What the file is, for who reads it.
  let kind: String
  let occasion: Occasion
  let host: HostDescription
  let guest: Guest
  let measurement: Measurement
  let contestants: [Contestant]
  let missing: [MissingContestant]

  static let kind = "boot"

  func contestant(_ name: String) -> Contestant? { contestants.first { $0.name == name } }

  /// Those at which contestants are compared.
  var comparedTimes: [ComparedTime] { ComparedTime.allCases.filter { $0 != .firstByte || !guest.isQuiet } }
}

extension BootResults.Contestant {
  /// The runs' values of a time in nanoseconds; nil when not every run has it.
  func sample(_ time: (BootRun) -> UInt64?) -> Sample? { Self.sample(runs, time) }

  static func sample(_ runs: [BootRun], _ time: (BootRun) -> UInt64?) -> Sample? {
    let times = runs.compactMap(time)
    return times.count == runs.count ? Sample(times.map { Double($0) }) : nil
  }

  /// - Parameter reference: the first contestant's runs, and what their `init` is told by.
  init(
    _ contestant: Contestant, runs: [BootRun], initSource: InitSource?,
    reference: (runs: [BootRun], initSource: InitSource?), profile: ProfileReading?
  ) {
    name = contestant.name
    vmm = contestant.vmm.rawValue
    kernel = contestant.guest.kernel
    version = contestant.version
    command = contestant.commandLine
    kernelForm = contestant.kernelForm
    unpackNanoseconds = contestant.unpackNanoseconds
    self.runs = runs
    self.initSource = initSource
    var summary: [String: Summary] = [:]
    var ratios: [String: Ratio] = [:]
    for moment in BootMoment.allCases {
      summary[moment.rawValue] = Self.sample(runs, { $0[moment] }).map(Summary.init)
    }
    for time in ComparedTime.allCases {
      guard let sample = Self.sample(runs, time.of) else { continue }
      summary[time.rawValue] = Summary(sample)
      guard time.isAlike(reference.initSource, initSource) else { continue }
      ratios[time.rawValue] = Self.sample(reference.runs, time.of).map { Ratio(of: $0, to: sample) }
    }
    self.summary = summary
    self.ratios = ratios
    exits = profile?.exits
    kvm = profile?.kvm
  }
}
