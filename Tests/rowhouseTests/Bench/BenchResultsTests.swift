import Foundation
import Testing

@testable import rowhouse

@Suite("Results of rowhouse bench, shown and compared")
struct BenchResultsTests {
  /// As rows of a few runs, so that medians and ratios can be told by looking.
  ///
  /// - Parameters:
  ///   - times: when each run ends, in milliseconds, by contestant.
  ///   - change: what else a run has, by its number.
  private func results(
    _ times: [String: [UInt64]], version: String = "v", command: String = "vmm /k -v", kernel: String = "k",
    commandLine: String? = nil, until: String = "exit", warmup: Int = 0, pinned: Bool = false,
    options: [String]? = nil, missing: [MissingContestant] = [], exits: [ExitCost]? = nil,
    kvm: [String: UInt64]? = nil, kernelForm: KernelForm? = nil, initSources: [String: InitSource] = [:],
    change: (Int, inout BootRun) -> Void = { _, _ in }
  ) -> BootResults {
    let contestants = times.keys.sorted().map { name in
      let runs = times[name]!.enumerated().map { number, time in
        var run = BootRun()
        run[.exit] = time * 1_000_000
        change(number, &run)
        return run
      }
      let summary = Summary(BootResults.Contestant.sample(runs, { $0[.exit] })!)
      return BootResults.Contestant(
        name: name, vmm: name, kernel: "/k", version: version, command: command, kernelForm: kernelForm,
        initSource: initSources[name], unpackNanoseconds: nil, runs: runs,
        summary: ["exit": summary], ratios: [:], exits: exits, kvm: kvm)
    }
    return BootResults(
      kind: "boot", occasion: Occasion(label: nil), host: HostDescription(),
      guest: .init(
        kernels: [.init(path: "/\(UUID())", sha256: kernel)], initrd: nil, commandLine: commandLine, cpus: 1,
        memoryBytes: 1 << 28, options: options),
      measurement: .init(runs: 3, warmup: warmup, until: until, pinned: pinned, limitSeconds: 60),
      contestants: contestants, missing: missing)
  }

  private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

  /// With one space between words.
  private func words(_ line: String) -> String { line.split(separator: " ").joined(separator: " ") }

  private func differences(_ before: BootResults, _ after: BootResults) -> [String] {
    // The first says when they were measured.
    Array(MeasurementDifference(before, after).lines.dropFirst())
  }

  @Test func summaryIsInNanoseconds() throws {
    let summary = try #require(results(["a": [10, 30, 20, 15, 25]]).contestants[0].summary["exit"])
    #expect(summary.minimum == 10e6 && summary.median == 20e6 && summary.maximum == 30e6)
    #expect(summary.medianLow == 10e6 && summary.medianHigh == 30e6)
  }

  /// What is read of a file that these were written to.
  private func readBack(_ results: BootResults) throws -> BootResults {
    let file = FileManager.default.temporaryDirectory.appending(path: "results-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(results.json.utf8).write(to: file)
    var found: BootResults?
    if case .boot(let read) = try ResultsFile.read(file.path()) { found = read }
    return try #require(found, "it is read as a boot's")
  }

  @Test func resultsAreReadBack() throws {
    let results = results(["a": [10, 30, 20], "b": [40, 50, 60]])
    let read = try readBack(results)
    #expect(BootTable(read).text == BootTable(results).text)
  }

  @Test func fewRunsAreShownWithoutInterval() {
    let rows = lines(BootTable(results(["a": [10, 30, 20], "b": [40, 50, 60]])).text)
    #expect(rows[2].hasSuffix("  -") && rows[3].hasSuffix("  -             0.400"), "\(rows)")
  }

  /// The console's line comes before the first program runs, and its mark after.
  @Test func timesToInitAreComparedWithTheirLike() {
    func told(_ sources: [String: InitSource]) -> [String] {
      let results = results(["a": [10], "b": [20]], initSources: sources) { _, run in
        run[.kernelEntered] = 1_000_000
        run[.initReached] = 5_000_000
      }
      let shown = lines(BootTable(results).text).filter { $0.hasPrefix("b ") || $0.hasPrefix("Init is told by") }
      return shown.prefix(5).map(words)
    }
    let reached = "b 5.00 ms 5.00 ms 5.00 ms 5.00 ms -", entry = "b 4.00 ms 4.00 ms 4.00 ms 4.00 ms -"
    let said = "Init is told by the boot timer's mark of a, the console's line of b: times to another event are not"
      + " compared."
    let other = told(["a": .mark, "b": .line])
    #expect(other.prefix(4) == ["\(reached) -", said, "\(entry) -", said])
    #expect(other.count == 5 && other[4].hasSuffix(" - 0.500"), "\(other)")
    // Files of before it was written down have none.
    for alike in [[:], ["a": .line, "b": .line]] as [[String: InitSource]] {
      #expect(told(alike).prefix(2) == ["\(reached) 1.000", "\(entry) 1.000"])
    }
  }

  @Test func whatToldInitIsReadBack() throws {
    let results = results(["a": [1]], initSources: ["a": .postCode]) { _, run in run[initBy: .postCode] = 7 }
    #expect(results.json.contains(#""init_source" : "post_code""#) && results.json.contains(#""post_code" : 7"#))
    let read = try readBack(results)
    #expect(read.contestants[0].initSource == .postCode && read.contestants[0].runs[0][initBy: .postCode] == 7)
    #expect(!self.results(["a": [1]]).json.contains("init_"))
  }

  // MARK: What was used

  private func resources(_ results: BootResults) -> [String] {
    lines(ResourceTable(results).text)[2].split(separator: " ").map(String.init)
  }

  @Test func cpuTimeIsDividedWhereTicksTellIt() {
    func run(_ user: UInt64, _ system: UInt64, _ guest: UInt64?) -> [String] {
      Array(resources(results(["a": [1]]) { _, run in
        run.userNanoseconds = user * 1_000_000
        run.systemNanoseconds = system * 1_000_000
        run.guestNanoseconds = guest.map { $0 * 1_000_000 }
      }).dropFirst().prefix { $0 != "0" })
    }
    #expect(run(400, 60, 300) == ["460.00", "ms", "400.00", "ms", "300.00", "ms", "60.00", "ms"])
    #expect(run(30, 10, 0) == ["40.00", "ms", "-", "-", "-"])
    #expect(run(400, 10, 0) == ["410.00", "ms", "400.00", "ms", "-", "-"])
  }

  @Test func threadsOfCPUsAreShownWhereTheyAreKnown() {
    let text = ResourceTable(results(["a": [1]]) { _, run in
      run.vcpuNanoseconds = 3_000_000
      run.deviceNanoseconds = 4_000_000
    }).text
    #expect(text.contains("VCPUS' THREADS") && text.contains("3.00 ms") && text.contains("4.00 ms"))
    #expect(!ResourceTable(results(["a": [1]])).text.contains("THREADS"))
  }

  /// What some runs have is not the median of all: those below this program's own size are not known.
  @Test func memoryIsShownWhenEveryRunHasIt() {
    func peak(_ known: Int) -> String? {
      resources(results(["a": [1, 2, 3]]) { number, run in
        run.peakResidentBytes = number < known ? 5 << 20 : nil
      }).last
    }
    #expect(peak(3) == "MiB" && peak(2) == "-" && peak(0) == "-")
  }

  /// A results.json is anybody's.
  @Test func figuresThatAreMadeUpAreShown() {
    let exit = ExitCost(reason: "port_write", address: .max, name: "none", count: .max, nanoseconds: .max)
    let results = results(["a": [1, 2]], exits: [exit, exit], kvm: ["exits": .max]) { _, run in
      for moment in BootMoment.allCases { run[moment] = .max }
      run.userNanoseconds = .max
      run.systemNanoseconds = .max
      run.minorFaults = .max
      run.majorFaults = .max
      run.peakResidentBytes = .max
    }
    #expect(lines(BootTable(results).text).contains { $0.contains("to end, \(UInt64.max) of \(UInt64.max) that KVM") })
    #expect(lines(BootComparison(results, results).text).contains { $0.hasPrefix("a") && $0.contains("page faults") })
  }

  /// Else it looks as if the kernel had only been there.
  @Test func whatUnpackedItselfIsTold() {
    func results(_ form: KernelForm?) -> BootResults { self.results(["a": [1]], kernelForm: form) }
    let told = "The kernel of a unpacked itself in the guest, at each start."
    for form in [nil, .asItIs, .kept, .unpacked, KernelForm.packed] {
      #expect(lines(BootTable(results(form)).text).contains(told) == (form == .packed))
      #expect(results(form).json.contains(#""kernel_form""#) == (form != nil))
    }
    let only = told.replacingOccurrences(of: ", at each start.", with: " only ")
    #expect(differences(results(.packed), results(.unpacked)) == [only + "before."])
    #expect(differences(results(.kept), results(.packed)) == [only + "after."])
    #expect(differences(results(.kept), results(.unpacked)).isEmpty)
    #expect(differences(results(nil), results(.packed)).isEmpty)
  }

  // MARK: Comparison

  @Test func comparisonTellsChangeFromNoise() {
    let before = results(
      ["a": [100, 101, 99, 100, 102], "b": [100, 120, 80, 95, 104], "c": [100, 101, 99, 100], "gone": [1, 1, 1]])
    let after = results(["a": [50, 51, 49, 50, 52], "b": [101, 119, 83, 96, 102], "c": [50, 51, 49, 50, 52]])
    let rows = lines(BootComparison(before, after).text)
    #expect(rows[0].hasPrefix("Before: 20") && rows[0].contains("load average"))
    #expect(rows[1] == "gone was measured only before.")
    #expect(rows[3].hasPrefix("a") && rows[3].hasSuffix("  faster, or the machine"))
    #expect(rows[4].hasPrefix("b") && rows[4].hasSuffix("no more than noise"))
    #expect(rows[5].hasPrefix("c") && rows[5].contains(" 0.500  ") && rows[5].hasSuffix("  too few runs to tell"))
    #expect(rows[6].hasPrefix("Of two sessions") && rows[7].hasPrefix("Before you believe"))
  }

  /// What is said of when each ends, by contestant. Each has seven runs, less than 1 % around a number of milliseconds.
  private func verdicts(
    _ before: [String: UInt64], _ after: [String: UInt64], versions: (String, String) = ("v", "v"),
    commands: (String, String) = ("vmm", "vmm")
  ) -> [String: String] {
    func measured(_ ends: [String: UInt64], _ version: String, _ command: String) -> BootResults {
      let runs = ends.mapValues { end in [end - 4, end - 2, end - 1, end, end + 1, end + 2, end + 4] }
      return results(runs, version: version, command: command)
    }
    let comparison = BootComparison(
      measured(before, versions.0, commands.0), measured(after, versions.1, commands.1))
    let rows = lines(comparison.text).filter { words($0).contains(" exit ") }
    return Dictionary(uniqueKeysWithValues: rows.map { row -> (String, String) in
      let verdict = row.components(separatedBy: "  ").last ?? ""
      return (words(row).components(separatedBy: " ")[0], verdict.trimmingCharacters(in: .whitespaces))
    })
  }

  private let unhurried: [String: UInt64] = ["rowhouse": 1000, "bare": 800, "qemu-microvm": 2000]

  @Test func slowerMachineIsNoSlowerProgram() {
    let found = verdicts(unhurried, ["rowhouse": 1100, "bare": 880, "qemu-microvm": 2200])
    #expect(found == ["rowhouse": "as the machine", "bare": "the machine", "qemu-microvm": "the machine"])
    #expect(verdicts(unhurried, unhurried)["rowhouse"] == "no more than noise")
  }

  /// Who is too noisy to judge it by has not changed for that.
  @Test func machineThatStayedIsNotToBlame() {
    let noisy: [String: UInt64] = ["rowhouse": 1000, "bare": 100]
    #expect(verdicts(noisy, noisy.merging(["rowhouse": 1010]) { $1 })["rowhouse"] == "no more than noise")
  }

  @Test func programThatChangesAloneHasAVerdict() {
    let slower = verdicts(unhurried, ["rowhouse": 1100, "bare": 800, "qemu-microvm": 2000])
    #expect(slower == ["rowhouse": "slower", "bare": "the machine", "qemu-microvm": "the machine"])
    // As before on a slower machine.
    let faster = verdicts(unhurried, ["rowhouse": 1000, "bare": 880, "qemu-microvm": 2200])
    #expect(faster == ["rowhouse": "faster", "bare": "the machine", "qemu-microvm": "the machine"])
  }

  /// The mean of the others would call it faster, though one of them did as well on the same two machines.
  @Test func machineThatChangesUnevenlyIsNoVerdict() {
    let uneven: [String: UInt64] = ["rowhouse": 1000, "bare": 800, "qemu-microvm": 2400]
    #expect(verdicts(unhurried, uneven)["rowhouse"] == "as one of the others")
    #expect(verdicts(unhurried, uneven.merging(["rowhouse": 900]) { $1 })["rowhouse"] == "faster")
  }

  @Test func withoutTheSameProgramTheMachineMayHaveChanged() {
    let alone = "slower, or the machine"
    #expect(verdicts(["rowhouse": 1000], ["rowhouse": 1100]) == ["rowhouse": alone])
    // Rowhouse's own are none to judge it beside, nor is QEMU of another version or with other options.
    let own: [String: UInt64] = ["rowhouse": 1000, "rowhouse-run": 2000]
    #expect(verdicts(own, ["rowhouse": 1100, "rowhouse-run": 2200]) == ["rowhouse": alone, "rowhouse-run": alone])
    let (before, after): ([String: UInt64], [String: UInt64]) = (
      ["rowhouse": 1000, "qemu-microvm": 2000], ["rowhouse": 1100, "qemu-microvm": 2200]
    )
    #expect(verdicts(before, after, versions: ("1", "2")) == ["rowhouse": alone, "qemu-microvm": alone])
    #expect(verdicts(before, after, commands: ("vmm", "vmm -x")) == ["rowhouse": alone, "qemu-microvm": alone])
    // The version of `bare` is Rowhouse's.
    let bare = verdicts(["rowhouse": 1000, "bare": 800], ["rowhouse": 1100, "bare": 880], versions: ("1", "2"))
    #expect(bare == ["rowhouse": "as the machine", "bare": "the machine"])
  }

  @Test func changeBesideOthersIsShownWhereThereAreSome() {
    func table(_ names: [String], runs: [UInt64]) -> [String] {
      let results = results(Dictionary(uniqueKeysWithValues: names.map { ($0, runs) }))
      return lines(BootComparison(results, results).text).dropFirst().map(words)
    }
    let runs: [UInt64] = [5, 5, 5, 5, 5]
    // Two rows have a verdict: each interval leaves out 1 by chance half as often.
    #expect(Array(table(["bare", "rowhouse", "rowhouse-run"], runs: runs).prefix(3)) == [
      "TIME BEFORE AFTER AFTER / BEFORE, 95 % BESIDE OTHERS, 97.5 %",
      "bare exit 5.00 ms 5.00 ms 1.000 (1.000 to 1.000) - the machine",
      "rowhouse exit 5.00 ms 5.00 ms 1.000 (1.000 to 1.000) 1.000 (1.000 to 1.000) no more than noise",
    ])
    let once = table(["bare", "rowhouse"], runs: [5])
    #expect(once[2] == "rowhouse exit 5.00 ms 5.00 ms 1.000 1.000 too few runs to tell")
    #expect(table(["rowhouse"], runs: runs)[0] == "TIME BEFORE AFTER AFTER / BEFORE, 95 %")
  }

  @Test func comparisonTellsWhatElseDiffers() {
    let before = results(["a": [1], "old": [1]], version: "1", kernel: "1234567890abcdef", until: "init")
    let after = results(
      ["a": [1], "new": [1]], version: "2", command: "vmm /k -cpu qemu64", kernel: "2234567890abcdef", until: "exit",
      warmup: 2, pinned: true, options: ["--entropy", "--disk d"],
      missing: [.init(name: "old", reason: "it is not installed")])
    var told = differences(before, after)
    let kernels = told.removeFirst()
    #expect(kernels.contains("The kernels differ: ") && kernels.contains("1234567890ab)"))
    #expect(told == [
      "The guests' options differ: none before, --entropy --disk d after.",
      "The goals differ: init before, exit after.",
      "The numbers of runs to warm up differ: 0 before, 2 after.",
      "The VMMs' CPUs differ: any before, those of --pin after.",
      "The versions of a differ: 1 before, 2 after.",
      "The commands of a differ: `vmm KERNEL -v` before, `vmm KERNEL -cpu qemu64` after.",
      "old was measured only before: it is not installed.", "new was measured only after.",
    ])
    // The same content under another name, as `results` has it each time.
    #expect(differences(results(["a": [1]]), results(["a": [2]], options: [])).isEmpty)
  }

  @Test func firstByteOfQuietLinuxIsComparedWithNobodys() {
    func rows(_ commandLine: String) -> Int {
      let results = results(["a": [2]], commandLine: commandLine) { _, run in run[.firstByte] = 1 }
      let compared = lines(BootComparison(results, results).text).filter { $0.contains("first_byte") }
      let shown = lines(BootTable(results).text).filter { $0.contains("first console byte") }
      #expect(compared.count == shown.count)
      return compared.count
    }
    #expect(rows("console=ttyS0") == 1 && rows("console=ttyS0 quiet") == 0)
  }

  @Test func comparisonTellsPhasesMemoryFaultsAndExits() {
    func measured(_ factor: UInt64) -> BootResults {
      let exit = ExitCost(
        reason: "port_write", address: 0x3f8, name: "8250 transmit", count: 10 * factor, nanoseconds: 7_000_000)
      return results(["a": [100, 101, 102, 103, 104]], exits: [exit]) { _, run in
        run[.processStarted] = 1_000_000 * factor
        run[.machineCreated] = 5_000_000
        run[.imageLoaded] = 4_000_000
        run.minorFaults = 100 * factor
        run.peakResidentBytes = (3 << 20) * factor
        run.systemNanoseconds = 8_000_000
      }
    }
    let rows = lines(BootComparison(measured(1), measured(2)).text).map(words)
    for row in [
      "a CPU time 8.00 ms 8.00 ms 1.000 (1.000 to 1.000) no more than noise",
      "a page faults 100 200 2.000 (2.000 to 2.000) more, or the machine",
      "a largest process 3.0 MiB 6.0 MiB 2.000 (2.000 to 2.000) more, or the machine",
      "a exits 10 20 2.000 too few runs to tell", "a time at exits 7.00 ms 7.00 ms 1.000 too few runs to tell",
      "process start 1.00 ms 2.00 ms", "KVM set-up, and meanwhile image load 4.00 ms 3.00 ms",
    ] {
      #expect(rows.contains(row), "\(row)")
    }
  }

  private func density(_ guests: [Int], _ perSecond: Double, _ bytes: UInt64) -> DensityResults {
    let points = guests.map { guests in
      DensityResults.Point(
        guests: guests, startNanoseconds: 1, guestsPerSecond: perSecond, residentBytesPerGuest: 2 * bytes,
        overheadBytesPerGuest: bytes)
    }
    return DensityResults(
      kind: "density", occasion: Occasion(label: nil), host: HostDescription(),
      kernel: .init(path: "/\(UUID())", sha256: "k"), cpus: 1, memoryBytes: 1 << 28,
      contestants: [.init(name: "a", version: "v", command: "c", points: points)], missing: [])
  }

  @Test func densityIsComparedAtTheNumbersOfGuestsThatBothHave() {
    let rows = lines(DensityComparison(density([1, 10], 100, 1 << 20), density([10, 100], 50, 1 << 20)).text)
    #expect(rows.count == 6 && rows[0].hasPrefix("Before: "))
    #expect(rows.dropFirst(2).dropLast().map(words) == [
      "a 10 started a second 100.0 50.0 0.500", "a 10 resident each 2.00 MiB 2.00 MiB 1.000",
      "a 10 of that overhead 1.00 MiB 1.00 MiB 1.000",
    ])
  }

  @Test func onlyMeasurementsOfOneKindAreCompared() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "results-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (boot, density) = (folder.appending(path: "boot"), folder.appending(path: "density"))
    try Data(results(["a": [1]]).json.utf8).write(to: boot)
    try Data(self.density([1], 1, 1).json.utf8).write(to: density)
    let compared = Rowhouse.perform(["bench", "compare", boot.path(), density.path()])
    guard case .failure(let line, status: 2) = compared else {
      Issue.record("they are compared")
      return
    }
    #expect(line.contains("two of `boot`, or two of `density`") && !line.contains("\n"))
  }
}
