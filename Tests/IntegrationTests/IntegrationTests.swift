import Foundation
import Testing

extension Case {
  /// Every case there is. What is not in here cannot run, so no case is forgotten when all run in the lab at once.
  static let table =
    verdicts + bootProtocols + devices + consoles + machines + economy + refusedFiles + refusedImages + refusedOptions
    + diskCommands + disks + hostileGuests + networks + street + streetConsoles + streetFolders + streetMoments + streetUnknown
    + fullOutputs
    + allotments + meterings + meterSources + limits + readers + memoryBudgets + fullDisks + unpacking
    + benchmarks
}

/// Guests from start to verdict, by the programs in `bin/`.
@Suite("Integration")
struct IntegrationTests {
  @Test("Each way to end a guest", arguments: Case.verdicts)
  func verdict(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Each boot protocol", arguments: Case.bootProtocols)
  func bootProtocol(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Kernels that are unpacked here", arguments: Case.unpacking)
  func unpacking(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("The machine's devices", arguments: Case.devices)
  func device(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Each kind of console", arguments: Case.consoles)
  func console(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Memory and CPUs", arguments: Case.machines)
  func machine(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("What a guest costs its host", arguments: Case.economy)
  func economy(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Files that cannot be used", arguments: Case.refusedFiles)
  func refusedFile(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Images that cannot be booted", arguments: Case.refusedImages)
  func refusedImage(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Options that cannot be obeyed", arguments: Case.refusedOptions)
  func refusedOption(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Disk images made and looked at", arguments: Case.diskCommands)
  func diskCommand(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Guests with disks", arguments: Case.disks)
  func disk(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Guests that break the rules", arguments: Case.hostileGuests)
  func hostileGuest(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Network cards", arguments: Case.networks)
  func network(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test(
    "Other people's networks",
    .enabled(if: GuestRunner.reasonAgainstHost == nil, "PASST WAS NOT RUN: it is a program of this host, not of the lab"),
    arguments: Case.networkPrograms)
  func networkProgram(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Guests that others find", arguments: Case.street)
  func street(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("What is said to guests that others find", arguments: Case.streetConsoles)
  func streetConsole(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("The folders of guests that others find", arguments: Case.streetFolders)
  func streetFolder(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Guests that others find a moment early or late", arguments: Case.streetMoments)
  func streetMoment(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Guests of which nobody can tell whether they live", arguments: Case.streetUnknown)
  func unknownGuests(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Standard output that takes nothing", arguments: Case.fullOutputs)
  func fullOutput(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("What guests are allowed", arguments: Case.allotments)
  func allotment(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("What meters say", arguments: Case.meterings)
  func metering(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("What others say of what meters say", arguments: Case.meterSources)
  func meterSource(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Limits of devices", arguments: Case.limits)
  func limit(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("The ledger, and views of many guests", arguments: Case.readers)
  func reader(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("What guests are promised together", arguments: Case.memoryBudgets)
  func memoryBudget(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Benchmarks", arguments: Case.benchmarks)
  func benchmark(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test(
    "Metrics for other people's programs",
    .enabled(
      if: GuestRunner.reasonAgainstHost == nil,
      "PROMTOOL AND THE PARSER OF OPENMETRICS WERE NOT RUN: they are programs of this host, not of the lab"),
    arguments: Case.metricReaders)
  func metricReader(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test(
    "A view of guests on terminals",
    .enabled(if: GuestRunner.reasonAgainstHost == nil, "TOP ON TERMINALS WAS NOT RUN: there is no tmux in the lab"),
    arguments: Case.topOnTerminals)
  func topOnTerminal(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test(
    "What is left on a terminal",
    .enabled(if: GuestRunner.reasonAgainstHost == nil, "WHAT IS LEFT ON A TERMINAL WAS NOT SEEN: no tmux in the lab"),
    arguments: Case.screens)
  func screen(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test(
    "A ledger without room",
    .enabled(
      if: geteuid() == 0 || GuestRunner.reasonAgainstHost != nil, "A FULL DISK WAS NOT TRIED: only root can make one"),
    arguments: Case.fullDisks)
  func fullDisk(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("No two cases have the same name")
  func namesAreUnique() {
    let names = (Case.table + Case.linuxTable).map(\.name)
    #expect(Set(names).count == names.count)
  }
}

/// Kernels that other people wrote, on a KVM that can run them.
@Suite("Stock kernels")
struct StockKernelTests {
  @Test("Debian's kernels, to user space and off", arguments: Case.linuxBoots)
  func boot(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Debian's kernels, unpacked here", arguments: Case.linuxUnpacking)
  func unpacking(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("The same kernels under QEMU, to compare with", arguments: Case.linuxReferences)
  func reference(_ test: Case) throws {
    let outcome = try GuestRunner.outcome(of: test)
    // A second try is allowed, and not kept quiet.
    FileHandle.standardError.write(Data(outcome.errors))
    test.judge(outcome)
  }

  @Test("Debian's kernels, reset and up again", arguments: Case.linuxReboots)
  func reboot(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Each way in which Linux ends", arguments: Case.linuxEnds)
  func end(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Linux's console on terminals", arguments: Case.linuxConsole)
  func console(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Linux guests that others find", arguments: Case.linuxStreet)
  func street(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("What the host's control groups keep", arguments: Case.controlGroups)
  func controlGroup(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("The machine as Linux finds it", arguments: Case.linuxDevices)
  func device(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Memory that Linux gives back", arguments: Case.linuxMemory)
  func memory(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Linux on a network", arguments: Case.linuxNetworks)
  func network(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Linux on disks", arguments: Case.linuxDisks)
  func disk(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test(
    "Linux without ACPI",
    .enabled(
      if: FileManager.default.fileExists(atPath: GuestRunner.root + "/guests/linux/build/vmlinux-small.elf"),
      "MP TABLE AND VIRTIO_MMIO.DEVICE= WERE NOT TESTED: they take the small Linux of `make small-linux`"),
    arguments: Case.smallLinux)
  func withoutACPI(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }

  @Test("Kernels that are not Linux", arguments: Case.otherKernels)
  func other(_ test: Case) throws { test.judge(try GuestRunner.outcome(of: test)) }
}
