/// What makes two measurements unlike, apart from what was measured.
struct MeasurementDifference {
  /// A sentence each; the first says when they were made.
  private(set) var lines: [String] = []

  init(_ before: BootResults, _ after: BootResults) {
    tell(before.occasion, after.occasion)
    tell(before.host, after.host)
    tell(before.guest, after.guest)
    tell("The goals", before.measurement.until, after.measurement.until)
    tell("The numbers of runs", String(before.measurement.runs), String(after.measurement.runs))
    tell("The numbers of runs to warm up", String(before.measurement.warmup), String(after.measurement.warmup))
    tell("The VMMs' CPUs", Self.place(before.measurement), Self.place(after.measurement))
    tell(
      before.contestants.map { $0.program(in: before.guest) }, before.missing,
      after.contestants.map { $0.program(in: after.guest) }, after.missing)
  }

  init(_ before: DensityResults, _ after: DensityResults) {
    tell(before.occasion, after.occasion)
    tell(before.host, after.host)
    tell(before.guest, after.guest)
    tell(
      before.contestants.map { $0.program(in: before.guest) }, before.missing,
      after.contestants.map { $0.program(in: after.guest) }, after.missing)
  }

  /// A VMM as it was started.
  fileprivate struct Program {
    let name: String
    let version: String
    /// With words in the place of files, which are told by their contents.
    let command: String
    /// Nil: it is not known.
    var kernelForm: KernelForm?
  }

  private mutating func tell(_ before: Occasion, _ after: Occasion) {
    func words(_ occasion: Occasion) -> String { "\(occasion.date), load average \(occasion.loadAverage.fixed(1))" }
    lines.append("Before: \(words(before)); after: \(words(after)).")
  }

  private mutating func tell(_ before: HostDescription, _ after: HostDescription) {
    if before != after { lines.append("The computers differ, or what runs on them.") }
  }

  private mutating func tell(_ before: BootResults.Guest, _ after: BootResults.Guest) {
    tell("The kernels", before.kernels, after.kernels)
    tell("The initial RAM disks", before.initrd.map { [$0] } ?? [], after.initrd.map { [$0] } ?? [])
    tell("The command lines", before.commandLine ?? "none", after.commandLine ?? "none")
    tell("The guests", Self.size(before), Self.size(after))
    tell("The guests' options", Self.options(before), Self.options(after))
  }

  private mutating func tell(_ what: String, _ before: String, _ after: String) {
    if before != after { lines.append("\(what) differ: \(before) before, \(after) after.") }
  }

  /// Files are the same when their contents are, whatever their names.
  private mutating func tell(_ what: String, _ before: [FileDescription], _ after: [FileDescription]) {
    func contents(_ files: [FileDescription]) -> [String] { files.map { $0.sha256 ?? $0.path } }
    func names(_ files: [FileDescription]) -> String {
      if files.isEmpty { return "none" }
      return files.map { "\($0.path) (\($0.sha256?.prefix(12) ?? "unknown"))" }.joined(separator: ", ")
    }
    if contents(before) != contents(after) { tell(what, names(before), names(after)) }
  }

  private mutating func tell(
    _ before: [Program], _ missingBefore: [MissingContestant], _ after: [Program], _ missingAfter: [MissingContestant]
  ) {
    for program in after {
      guard let earlier = before.first(where: { $0.name == program.name }) else { continue }
      tell("The versions of \(program.name)", earlier.version, program.version)
      tell("The commands of \(program.name)", "`\(earlier.command)`", "`\(program.command)`")
      if let before = earlier.kernelForm, let after = program.kernelForm, (before == .packed) != (after == .packed) {
        let when = after == .packed ? "after" : "before"
        lines.append("The kernel of \(program.name) unpacked itself in the guest only \(when).")
      }
    }
    tellOfThoseOnly(in: before, "before", butNotIn: after, missingAfter)
    tellOfThoseOnly(in: after, "after", butNotIn: before, missingBefore)
  }

  private mutating func tellOfThoseOnly(
    in programs: [Program], _ when: String, butNotIn others: [Program], _ missing: [MissingContestant]
  ) {
    for program in programs where !others.contains(where: { $0.name == program.name }) {
      let reason = missing.first { $0.name == program.name }?.reason
      lines.append("\(program.name) was measured only \(when)\(reason.map { ": \($0)" } ?? "").")
    }
  }

  private static func size(_ guest: BootResults.Guest) -> String {
    "\(guest.cpus) CPU\(guest.cpus == 1 ? "" : "s") and \(guest.memoryBytes >> 20) MiB"
  }

  private static func options(_ guest: BootResults.Guest) -> String {
    guard let options = guest.options, !options.isEmpty else { return "none" }
    return options.joined(separator: " ")
  }

  private static func place(_ measurement: BootResults.Measurement) -> String {
    measurement.pinned ? "those of --pin" : "any"
  }
}

extension MeasurementDifference.Program {
  fileprivate init(_ name: String, _ version: String, _ command: String, kernel: String, initrd: FileDescription?) {
    self.init(
      name: name, version: version, command: command.naming([(kernel, "KERNEL"), (initrd?.path, "INITRD")]))
  }
}

extension BootResults.Contestant {
  fileprivate func program(in guest: BootResults.Guest) -> MeasurementDifference.Program {
    var program = MeasurementDifference.Program(name, version, command, kernel: kernel, initrd: guest.initrd)
    program.kernelForm = kernelForm
    return program
  }

  /// Whether the same program was started in the same way both times, so that what changed is not its own.
  ///
  /// Rowhouse's own never are the same: their version stays while they are worked on. `bare` says none, and has
  /// Rowhouse's in its place, which is not heeded.
  func isSameProgram(in guest: BootResults.Guest, as earlier: Self, in earlierGuest: BootResults.Guest) -> Bool {
    guard vmm == earlier.vmm, let known = BenchedVMM(rawValue: vmm), !known.isRowhouse else { return false }
    let (old, new) = (earlier.program(in: earlierGuest), program(in: guest))
    return old.command == new.command && (known.versionArguments == nil || old.version == new.version)
  }
}

extension DensityResults.Contestant {
  fileprivate func program(in guest: BootResults.Guest) -> MeasurementDifference.Program {
    .init(name, version, command, kernel: guest.kernels[0].path, initrd: guest.initrd)
  }
}

extension DensityResults {
  fileprivate var guest: BootResults.Guest {
    .init(
      kernels: [kernel], initrd: initrd, commandLine: commandLine, cpus: cpus, memoryBytes: memoryBytes,
      options: options)
  }
}

extension String {
  /// A command with words in the place of its files.
  fileprivate func naming(_ files: [(path: String?, word: String)]) -> String {
    split(separator: " ", omittingEmptySubsequences: false).map { word in
      files.first { $0.path == String(word) }?.word ?? String(word)
    }.joined(separator: " ")
  }
}
