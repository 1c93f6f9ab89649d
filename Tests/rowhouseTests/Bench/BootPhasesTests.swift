import Testing

@testable import rowhouse

@Suite("The phases of a boot")
struct BootPhasesTests {
  private func phases(_ runs: [[BootMoment: UInt64]], commandLine: String? = nil) -> BootPhases? {
    let runs = runs.map { moments in
      var run = BootRun()
      for (moment, nanoseconds) in moments { run[moment] = nanoseconds }
      return run
    }
    let contestant = BootResults.Contestant(
      name: "a", vmm: "a", kernel: "k", version: "v", command: "c", unpackNanoseconds: nil, runs: runs, summary: [:],
      ratios: [:], exits: nil, kvm: nil)
    return BootPhases(
      of: contestant, in: .init(kernels: [], initrd: nil, commandLine: commandLine, cpus: 1, memoryBytes: 1 << 28))
  }

  /// KVM is later in the first run, the image in the others.
  private let runs: [[BootMoment: UInt64]] = [
    [.processStarted: 100, .machineCreated: 900, .imageLoaded: 300, .guestStarted: 950, .firstByte: 1000, .exit: 2000],
    [.processStarted: 200, .machineCreated: 400, .imageLoaded: 1100, .guestStarted: 1150, .firstByte: 1200,
     .exit: 2200],
    [.processStarted: 100, .machineCreated: 500, .imageLoaded: 1000, .guestStarted: 1010, .firstByte: 1020,
     .exit: 3000],
  ]

  @Test func whatRunsAtOnceIsOnePhase() throws {
    let steps = try #require(phases(runs)).steps
    #expect(steps.map(\.name) == [
      "process start", "KVM set-up, and meanwhile image load", "  of it KVM set-up", "  of it image load",
      "devices and CPUs", "to the first console byte", "to the process's end",
    ])
    #expect(steps.map(\.time) == [200, 900, 200, 900, 50, 50, 1000])
    #expect(steps.map(\.sinceStart) == [200, 1100, nil, nil, 1150, 1200, 2200])
  }

  /// Half of the guests end late and half of the machines are torn down slowly, in no run both: the difference of two
  /// medians would be a tear-down that no run has.
  @Test func ofRunsOfTwoKindsTheyAreThoseOfOne() throws {
    let start: [BootMoment: UInt64] = [.processStarted: 1, .machineCreated: 5, .imageLoaded: 3]
    let kinds: [[BootMoment: UInt64]] = [
      [.guestEnded: 10, .tornDown: 30, .exit: 31], [.guestEnded: 28, .tornDown: 29, .exit: 32],
    ].map { start.merging($0) { $1 } }
    let cases: [(runs: [[BootMoment: UInt64]], tearDown: UInt64)] = [
      (kinds, 20), (kinds + [kinds[1]], 1), (kinds + [kinds[0]], 20),
    ]
    for (runs, tearDown) in cases {
      let steps = try #require(phases(runs)).steps
      #expect(steps.first { $0.name == "tear-down" }?.time == tearDown)
      #expect(steps.filter { $0.sinceStart != nil }.map(\.time).reduce(0, +) == steps.last?.sinceStart)
    }
  }

  /// Later moments are forgotten, but for the first byte (``BootRun/forget(after:)``).
  @Test func theRunIsChosenByWhatWasMeasuredTo() throws {
    let start: [BootMoment: UInt64] = [.machineCreated: 0, .imageLoaded: 0]
    for goal in [BootMoment.initReached, .marker, .exit] {
      let runs = [30, 10, 20].map { end in start.merging([goal: end, .firstByte: 40 - end]) { $1 } }
      #expect(try #require(phases(runs)).steps.contains { $0.sinceStart == 20 && $0.name == goal.phase })
    }
  }

  @Test func quietLinuxHasNoFirstByte() throws {
    let steps = try #require(phases(runs, commandLine: "console=ttyS0 quiet")).steps
    #expect(steps.last?.time == 1050 && !steps.contains { $0.name.contains("byte") })
    #expect(try #require(phases(runs, commandLine: "quietly")).steps.count == 7)
  }

  @Test func whoTellsNoPhasesHasNone() {
    #expect(phases([[.firstByte: 1, .exit: 2]]) == nil)
    #expect(phases([[.exit: 2]] + runs.prefix(2)) != nil)
    #expect(phases([[.exit: 2], [.exit: 2]] + runs.prefix(1)) == nil)
  }
}
