import Devices
import Foundation
import Host
import Testing

@testable import rowhouse

@Suite("rowhouse bench")
struct BenchTests {
  @Test func patternsAreExtendedRegularExpressions() throws {
    let pattern = try ConsolePattern("^(ready|done) [0-9]+$")
    #expect(pattern.matches("ready 12") && !pattern.matches("ready"))
    #expect(throws: (any Error).self) { try ConsolePattern("(") }
  }

  @Test(arguments: [
    ("Kernel panic - not syncing: VFS: Unable to mount root fs", true),
    ("[    1.234567] Kernel panic - not syncing: Attempted to kill init!", true),
    ("<0>[    1.234567][    T1] Kernel panic - not syncing: Fatal exception", true),
    ("(XEN) Panic on CPU 0:", true),
    ("---[ end Kernel panic - not syncing: Fatal exception ]---", false),
    ("cat: Kernel panic - not syncing", false), ("", false), ("[    1.234567] panic=-1", false),
  ])
  func panicIsWhatAKernelSays(line: String, isPanic: Bool) { #expect(PanicLine.matches(line) == isPanic) }

  private static let profile = """
    exit port_write 0x3f8 130 786132
    exit port_read 0x71 75 122302
    exit port_write 0xcf8 114 241426
    exit port_read 0x2f9 3 2932
    exit memory_write 0xc0000000 1 1340
    exit memory_read 0x12345678 1 10
    exit interrupted 0x0 2 20
    kvm exits 5282
    """

  @Test func profileIsReadWithNames() throws {
    let profile = try #require(ProfileReading(Self.profile))
    #expect(profile.exits.map(\.name) == [
      "8250 transmit", "CMOS", "PCI configuration probe", "8250 probe, COM2", "boot timer", "no device",
      "a request of the VMM's other threads",
    ])
    #expect(profile.exits[0].count == 130 && profile.exits[0].nanoseconds == 786_132)
    #expect(profile.kvm == ["exits": 5282])
    for text in ["exit port_write 3 4", "exit port_write 0xzz 1 1", "kvm exits many", "words", ""] {
      #expect(ProfileReading(text) == nil)
    }
  }

  /// As rows of a few runs, so that medians and ratios can be told by looking.
  private func results(
    _ times: [String: [UInt64]], version: String = "v", kernel: String = "k", until: String = "exit",
    pinned: Bool = false, options: [String]? = nil, missing: [MissingContestant] = []
  ) -> BootResults {
    let contestants = times.keys.sorted().map { name in
      let runs = times[name]!.map { time in
        var run = BootRun()
        run[.exit] = time * 1_000_000
        return run
      }
      let summary = Summary(BootResults.Contestant.sample(runs, { $0[.exit] })!)
      return BootResults.Contestant(
        name: name, vmm: name, kernel: "k", version: version, command: "c", unpackNanoseconds: nil, runs: runs,
        summary: ["exit": summary], ratios: [:], exits: nil, kvm: nil)
    }
    return BootResults(
      kind: "boot", occasion: Occasion(label: nil), host: HostDescription(),
      guest: .init(
        kernels: [.init(path: "/\(UUID())", sha256: kernel)], initrd: nil, commandLine: nil, cpus: 1,
        memoryBytes: 1 << 28, options: options),
      measurement: .init(runs: 3, warmup: 0, until: until, pinned: pinned, limitSeconds: 60), contestants: contestants,
      missing: missing)
  }


  @Test func summaryIsInNanoseconds() throws {
    let summary = try #require(results(["a": [10, 30, 20]]).contestants[0].summary["exit"])
    #expect(summary.minimum == 10e6 && summary.median == 20e6 && summary.maximum == 30e6)
    #expect(summary.medianLow == 10e6 && summary.medianHigh == 30e6)
  }

  @Test func resultsAreReadBack() throws {
    let results = results(["a": [10, 30, 20], "b": [40, 50, 60]])
    let file = FileManager.default.temporaryDirectory.appending(path: "results-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(results.json.utf8).write(to: file)
    #expect(BootTable(try ResultsFile.readBoot(file.path())).text == BootTable(results).text)
  }

  @Test func comparisonTellsChangeFromNoise() {
    let before = results(
      ["a": [100, 101, 99, 100, 102], "b": [100, 120, 80, 95, 104], "c": [100, 101, 99, 100], "gone": [1, 1, 1]])
    let after = results(["a": [50, 51, 49, 50, 52], "b": [101, 119, 83, 96, 102], "c": [50, 51, 49, 50, 52]])
    let lines = BenchCompareCommand.text(before, after).split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[0] == "gone was measured only before.")
    #expect(lines[2].hasPrefix("a") && lines[2].hasSuffix("faster"))
    #expect(lines[3].hasPrefix("b") && lines[3].hasSuffix("no more than noise"))
    #expect(lines[4].hasPrefix("c") && lines[4].hasSuffix("too few runs to tell"))
  }

  @Test func comparisonTellsWhatElseDiffers() {
    let before = results(["a": [1], "old": [1]], version: "1", kernel: "1234567890abcdef", until: "init")
    let after = results(
      ["a": [1], "new": [1]], version: "2", kernel: "2234567890abcdef", until: "exit", pinned: true,
      options: ["--entropy", "--disk d"], missing: [.init(name: "old", reason: "it is not installed")])
    var lines = MeasurementDifference(before, after).lines
    let kernels = lines.removeFirst()
    #expect(kernels.contains("The kernels differ: ") && kernels.contains("1234567890ab)"))
    #expect(lines == [
      "The guests' options differ: none before, --entropy --disk d after.",
      "The goals differ: init before, exit after.", "The VMMs' CPUs differ: any before, those of --pin after.",
      "The versions of a differ: 1 before, 2 after.", "old was measured only before: it is not installed.",
      "new was measured only after.",
    ])
    // The same content under another name, as `results` has it each time.
    #expect(MeasurementDifference(results(["a": [1]]), results(["a": [2]], options: [])).lines.isEmpty)
  }

  private func mark(_ source: MarkSource, _ byte: UInt8, _ nanoseconds: UInt64) -> PostMark.Mark {
    .init(source: source, byte: byte, instant: Instant(nanoseconds: nanoseconds))
  }

  @Test func kernelsMarkEntryAndInit() {
    let moments = PostMark.moments([mark(.postCode, 1, 10), mark(.postCode, 123, 20), mark(.bootTimer, 123, 30)])
    #expect(moments.mapValues(\.nanoseconds) == [.kernelEntered: 10, .initReached: 20])
    // A kernel that only loses time at the port, and a first program that marks the boot timer.
    let others = PostMark.moments([mark(.postCode, 7, 5), mark(.postCode, 1, 10), mark(.postCode, 123, 20)])
    #expect(others.isEmpty)
    #expect(PostMark.moments([mark(.bootTimer, 123, 30)]).keys.map(\.self) == [.initReached])
  }

  @Test func kernelToInitLeavesOutWhatCameBefore() {
    var run = BootRun()
    run[.initReached] = 90
    #expect(ComparedTime.kernelToInit.of(run) == nil)
    run[.kernelEntered] = 20
    #expect(ComparedTime.kernelToInit.of(run) == 70)
  }

  @Test func whatCameAfterTheGoalIsForgotten() {
    var run = BootRun()
    for (moment, time) in [
      (.kernelEntered, 10), (.initReached, 50), (.firstByte, 51), (.marker, 60), (.exit, 70),
    ] as [(BootMoment, UInt64)] {
      run[moment] = time
    }
    var toPowerOff = run
    toPowerOff.forget(after: .tornDown)
    #expect(toPowerOff.momentsNanoseconds == run.momentsNanoseconds)
    run.forget(after: .initReached)
    #expect(run.momentsNanoseconds == ["kernel_entered": 10, "init": 50, "first_byte": 51])
  }

  @Test func guestTimeIsReadBehindTheName() {
    let numbers = (3...52).map(String.init).joined(separator: " ")
    #expect(GuestTime.parse("1 (a) b (c) \(numbers)", ticksPerSecond: 100) == 430_000_000)
    #expect(GuestTime.parse("1 (a) R 1 2", ticksPerSecond: 100) == nil)
  }

  @Test(arguments: [
    (["bench", "boot"], "<kernel>"),
    (["bench", "boot", "/bin/true", "--also", "no/such/kernel"], "no/such/kernel"),
    (["bench", "boot", "no/such/kernel"], "no/such/kernel"),
    (["bench", "boot", "/bin/true", "-n", "0"], "-n 0"),
    (["bench", "boot", "/bin/true", "--warmup=-1"], "--warmup -1"),
    (["bench", "boot", "/bin/true", "--vmm", "xen"], "--vmm xen"),
    (["bench", "boot", "/bin/true", "--vmm", ""], "--vmm "),
    (["bench", "boot", "/bin/true", "--also", "/bin/true"], "--also /bin/true"),
    (["bench", "boot", "/bin/true", "--until", "later"], "--until later"),
    (["bench", "boot", "/bin/true", "--until", "marker:("], "--until marker:("),
    (["bench", "boot", "/bin/true", "--until", "marker:"], "--until marker:"),
    (["bench", "boot", "/bin/true", "--limit", "0"], "--limit 0"),
    (["bench", "boot", "/bin/true", "--memory", "1028K"], "--memory 1028K"),
    (["bench", "boot", "/bin/true", "--initrd", "no/such"], "no/such"),
    (["bench", "boot", "/bin/true", "--pin", "--cpus", "9999"], "--pin"),
    (["bench", "boot", "/bin/true", "--cmdline", "a", "--", "b"], "--cmdline"),
    (["bench", "boot", "/bin/true", "--output", "/dev/null/folder"], "--output"),
    (["bench", "density", "/bin/true", "-n", "0"], "-n 0"),
    (["bench", "boot", "/bin/true", "--boot", "later"], "--boot later"),
    (["bench", "boot", "/bin/true", "--load-address", "0x7c00"], "--load-address"),
    (["bench", "boot", "/bin/true", "--disk", "no/such"], "--disk no/such"),
    (["bench", "boot", "/dev/null"], "/dev/null"),
    (["bench", "density", "no/such/kernel"], "no/such/kernel"),
    (["bench", "density", "/bin/true", "--initrd", "no/such"], "no/such"),
    (["bench", "compare", "/dev/null", "/dev/null"], "/dev/null"),
    (["bench", "compare", "no/such", "/dev/null"], "no/such"),
    (["bench", "show", "/dev/null"], "/dev/null"),
    (["bench", "race"], "bench race"),
  ])
  func wrongUsageIsOneLine(arguments: [String], name: String) {
    guard case .failure(let line, status: 2) = Rowhouse.perform(arguments) else {
      Issue.record("\(arguments) is accepted")
      return
    }
    #expect(line.contains(name) && !line.contains("\n"), "\(line)")
  }
}
