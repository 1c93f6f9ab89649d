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

  /// KVM is later in the first run, the image in the second.
  private let runs: [[BootMoment: UInt64]] = [
    [.processStarted: 100, .machineCreated: 900, .imageLoaded: 300, .guestStarted: 950, .firstByte: 1000, .exit: 2000],
    [.processStarted: 100, .machineCreated: 400, .imageLoaded: 1100, .guestStarted: 1150, .firstByte: 1200,
     .exit: 2200],
  ]

  @Test func whatRunsAtOnceIsOnePhase() throws {
    let steps = try #require(phases(runs)).steps
    #expect(steps.map(\.name) == [
      "process start", "KVM set-up, and meanwhile image load", "  of it KVM set-up", "  of it image load",
      "devices and CPUs", "to the first console byte", "to the process's end",
    ])
    #expect(steps.map(\.time) == [100, 900, 550, 600, 50, 50, 1000])
    #expect(steps.map(\.sinceStart) == [100, 1000, nil, nil, 1050, 1100, 2100])
  }

  @Test func quietLinuxHasNoFirstByte() throws {
    let steps = try #require(phases(runs, commandLine: "console=ttyS0 quiet")).steps
    #expect(steps.last?.time == 1050 && !steps.contains { $0.name.contains("byte") })
    #expect(try #require(phases(runs, commandLine: "quietly")).steps.count == 7)
  }

  @Test func whoTellsNoPhasesHasNone() {
    #expect(phases([[.firstByte: 1, .exit: 2]]) == nil)
    #expect(phases(runs + [[.exit: 2]]) == nil)
  }
}
