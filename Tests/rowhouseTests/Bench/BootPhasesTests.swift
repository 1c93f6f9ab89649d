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
    #expect(steps.map(\.time) == [100, 900, 400, 900, 10, 10, 1980])
    #expect(steps.map(\.sinceStart) == [100, 1000, nil, nil, 1010, 1020, 3000])
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

  /// The run with the median of all ends has the slowest start. test_boot_phases.py has the same cases.
  @Test func theRunIsTheMostTypicalOne() throws {
    let start: [BootMoment: UInt64] = [.machineCreated: 0, .imageLoaded: 0]
    func end(_ times: [(firstByte: UInt64, exit: UInt64)]) throws -> UInt64? {
      let runs = times.map { start.merging([.firstByte: $0.firstByte, .exit: $0.exit]) { $1 } }
      return try #require(phases(runs)).steps.last?.sinceStart
    }
    let times: [(firstByte: UInt64, exit: UInt64)] = [(10, 100), (11, 99), (40, 101), (12, 102), (11, 103)]
    // The second and the last are equally far.
    #expect(try end(times) == 99)
    #expect(try end(times.reversed()) == 103)
    // Of an even number the medians are between two runs: 11.5 and 101.5.
    #expect(try end(Array(times.dropFirst())) == 102)
  }

  /// One that some runs came to says nothing of which run is typical.
  @Test func onlyWhatEveryRunHasIsLookedAt() throws {
    var runs = [20, 10, 30].map { end -> [BootMoment: UInt64] in [.machineCreated: 1, .imageLoaded: 1, .exit: end] }
    runs[0][.firstByte] = 19
    runs[1][.firstByte] = 5
    #expect(try #require(phases(runs)).steps.last?.sinceStart == 20)
  }

  @Test func quietLinuxHasNoFirstByte() throws {
    let steps = try #require(phases(runs, commandLine: "console=ttyS0 quiet")).steps
    #expect(steps.last?.time == 1990 && !steps.contains { $0.name.contains("byte") })
    #expect(try #require(phases(runs, commandLine: "quietly")).steps.count == 7)
  }

  @Test func whoTellsNoPhasesHasNone() {
    #expect(phases([[.firstByte: 1, .exit: 2]]) == nil)
    #expect(phases([[.exit: 2]] + runs.prefix(2)) != nil)
    #expect(phases([[.exit: 2], [.exit: 2]] + runs.prefix(1)) == nil)
  }
}
