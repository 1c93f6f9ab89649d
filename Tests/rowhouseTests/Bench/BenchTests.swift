import Devices
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

  /// However much it said before.
  @Test func aVMMsLastLineIsTheReason() throws {
    let errors = try Descriptor.memory(named: "errors")
    try errors.writeAll(String(repeating: "early\n", count: 20_000) + "the reason\n")
    #expect(try ChildProcess.End.exited(status: 1).reason(errors) == "it ended with status 1: the reason")
    let nothing = try Descriptor.memory(named: "errors")
    #expect(try ChildProcess.End.killed(signal: 9).reason(nothing) == "it was ended by signal 9")
  }

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

  private func mark(_ source: MarkSource, _ byte: UInt8, _ nanoseconds: UInt64) -> PostMark.Mark {
    .init(source: source, byte: byte, instant: Instant(nanoseconds: nanoseconds))
  }

  @Test func kernelsMarkEntryAndInit() {
    let told = PostMark.Told([
      mark(.postCode, 1, 10), mark(.postCode, 123, 20), mark(.bootTimer, 123, 30), mark(.bootTimer, 123, 40),
    ])
    #expect(told.kernelEntered?.nanoseconds == 10)
    #expect(told.initReached.mapValues(\.nanoseconds) == [.postCode: 20, .mark: 30])
    // A kernel that only loses time at the port, and a first program that marks the boot timer.
    let others = PostMark.Told([mark(.postCode, 7, 5), mark(.postCode, 1, 10), mark(.postCode, 123, 20)])
    #expect(others.kernelEntered == nil && others.initReached.isEmpty)
    #expect(PostMark.Told([mark(.bootTimer, 123, 30)]).initReached.keys.map(\.self) == [.mark])
  }

  private func run(_ times: [InitSource: UInt64]) -> BootRun {
    var run = BootRun()
    for (source, time) in times { run[initBy: source] = time }
    return run
  }

  /// The line comes before the first program runs, and marks after: each is compared with its like.
  @Test(arguments: [
    // A Linux that is not quiet: Rowhouse has marks as well, and some of its runs were seen to write another.
    ([[[.line: 1, .mark: 2], [.line: 1, .postCode: 2, .mark: 3]], [[.line: 1], [.line: 1]]], [.line, .line]),
    // `--post-codes` of a kernel that writes them.
    ([[[.line: 1, .postCode: 2, .mark: 3]], [[.line: 1, .postCode: 2]]], [.postCode, .postCode]),
    // A quiet one, and who shows nothing of it.
    ([[[.mark: 1]], [[:]], [[.mark: 1]]], [.mark, nil, .mark]),
    // Nothing in common: each by what is nearest to the program.
    ([[[.postCode: 1, .mark: 2]], [[.line: 1]]], [.mark, .line]),
    // In some runs only.
    ([[[.line: 1, .mark: 2], [.mark: 2]], [[.line: 1], [:]]], [.mark, nil]),
    ([[]], [nil]),
  ] as [([[[InitSource: UInt64]]], [InitSource?])])
  func initIsToldByTheSameOfAll(runs: [[[InitSource: UInt64]]], sources: [InitSource?]) {
    #expect(InitSource.choose(for: runs.map { $0.map(run) }) == sources)
  }

  @Test func initIsTheTimeOfItsSource() {
    var run = run([.line: 50, .mark: 60])
    run[.exit] = 70
    for (source, time) in [(nil, nil), (.line, 50), (.mark, 60)] as [(InitSource?, UInt64?)] {
      var told = run
      told.tellInit(by: source)
      #expect(told[.initReached] == time && told[initBy: .mark] == 60 && told[.exit] == 70)
    }
    run.tellInit(by: .line)
    run.forget(after: .initReached)
    #expect(run.momentsNanoseconds == ["init": 50] && run.initNanoseconds == ["line": 50])
    // The line is read here after the VMM has gathered it, and may so come after a mark that the guest set later.
    var late = self.run([.line: 61, .mark: 60])
    late.forget(afterNanoseconds: 60)
    #expect(late.initNanoseconds == ["line": 61, "mark": 60])
  }

  /// On x86 neither has a device for it: a reset ends them.
  @Test func twoVMMsDoNotEndAtPowerOff() {
    #expect(BenchedVMM.allCases.filter { !$0.endsAtPowerOff } == [.kvmtool, .firecracker])
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
    // Its own in field 43, its children's in field 44.
    func nanoseconds(_ stat: String) -> UInt64? {
      ProcessStat(stat).flatMap { GuestTime.nanoseconds($0, ticksPerSecond: 100) }
    }
    #expect(nanoseconds("1 (a) b (c) \(numbers)") == 870_000_000)
    let tooFew = (3...43).map(String.init).joined(separator: " ")
    #expect(nanoseconds("1 (a) \(tooFew)") == nil)
  }

  @Test(arguments: [
    (["bench", "boot"], "<kernel>"),
    (["bench", "boot", "/bin/true", "--also", "no/such/kernel"], "no/such/kernel"),
    (["bench", "boot", "no/such/kernel"], "no/such/kernel"),
    (["bench", "boot", "/bin/true", "-n", "0"], "-n 0"),
    (["bench", "boot", "/bin/true", "-n", "9223372036854775807"], "-n 9223372036854775807"),
    (["bench", "boot", "/bin/true", "--warmup=-1"], "--warmup -1"),
    (["bench", "boot", "/bin/true", "--warmup", "9223372036854775807"], "--warmup 9223372036854775807"),
    (["bench", "boot", "/bin/true", "--vmm", ","], "--vmm ,"),
    (["bench", "boot", "/bin/true", "--vmm", "rowhouse,"], "--vmm rowhouse,"),
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
    (["bench", "density", "/bin/true", "-n", "9223372036854775807"], "-n 9223372036854775807"),
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
