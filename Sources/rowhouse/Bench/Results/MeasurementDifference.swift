/// What makes two measurements of boots unlike, apart from what was measured.
struct MeasurementDifference {
  /// A sentence each; none when there is nothing to say.
  private(set) var lines: [String] = []

  init(_ before: BootResults, _ after: BootResults) {
    if before.host != after.host { lines.append("The computers differ, or what runs on them.") }
    tell("The kernels", before.guest.kernels, after.guest.kernels)
    tell("The initial RAM disks", before.guest.initrd.map { [$0] } ?? [], after.guest.initrd.map { [$0] } ?? [])
    tell("The command lines", before.guest.commandLine ?? "none", after.guest.commandLine ?? "none")
    tell("The guests", Self.size(before.guest), Self.size(after.guest))
    tell("The guests' options", Self.options(before.guest), Self.options(after.guest))
    tell("The goals", before.measurement.until, after.measurement.until)
    tell("The VMMs' CPUs", Self.place(before.measurement), Self.place(after.measurement))
    for contestant in after.contestants {
      guard let earlier = before.contestant(contestant.name) else { continue }
      tell("The versions of \(contestant.name)", earlier.version, contestant.version)
    }
    tellOfThoseOnly(in: before, "before", butNotIn: after)
    tellOfThoseOnly(in: after, "after", butNotIn: before)
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

  private mutating func tellOfThoseOnly(in one: BootResults, _ when: String, butNotIn other: BootResults) {
    for contestant in one.contestants where other.contestant(contestant.name) == nil {
      let reason = other.missing.first { $0.name == contestant.name }?.reason
      lines.append("\(contestant.name) was measured only \(when)\(reason.map { ": \($0)" } ?? "").")
    }
  }

  private static func size(_ guest: BootResults.Guest) -> String {
    "\(guest.cpus) CPU\(guest.cpus == 1 ? "" : "s") and \(guest.memoryBytes >> 20) MiB"
  }

  private static func options(_ guest: BootResults.Guest) -> String {
    let options = guest.options ?? []
    return options.isEmpty ? "none" : options.joined(separator: " ")
  }

  private static func place(_ measurement: BootResults.Measurement) -> String {
    measurement.pinned ? "those of --pin" : "any"
  }
}
