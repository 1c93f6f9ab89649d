import Host

/// What a guest's meter said at one moment: a plain copy, checked before it is used.
package struct MeterReading: Sendable {
  package struct Mark: Sendable {
    package let instant: Instant
    package let source: UInt8
    package let byte: UInt8
  }

  package let process: Int32
  package let state: GuestState
  package let memoryBytes: UInt64
  /// The verdict's code and value, nil while the guest has none.
  package let verdict: (code: UInt32, value: UInt32)?
  /// The phases that were reached.
  package let phases: [Phase: Instant]
  package let console: [ConsoleCounter: UInt64]
  package let marks: [Mark]
  /// Exits of all vCPUs together.
  package let exits: [ExitReason: UInt64]
  /// CPU time of each vCPU's thread in nanoseconds.
  package let cpuNanoseconds: [UInt64]

  /// Reads a meter.
  ///
  /// - Returns: nil when the file is no meter, one of another version, or one that is not yet filled.
  package init?(of file: borrowing Descriptor) throws(SystemCallError) {
    let bytes = try file.read(count: min(Int(clamping: try file.status().size), 1 << 20), at: 0)
    let words = stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { offset in
      bytes[offset..<offset + 8].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    }
    guard bytes.count >= MeterLayout.virtualCPUsOffset,
      words[MeterLayout.magicOffset / 8] == MeterLayout.magic,
      words[MeterLayout.versionOffset / 8] == MeterLayout.version,
      let cpuCount = Int(exactly: words[MeterLayout.cpuCountOffset / 8]), (1...4096).contains(cpuCount),
      MeterLayout.bytes(cpuCount: cpuCount) <= bytes.count,
      let state = GuestState(rawValue: words[MeterLayout.stateOffset / 8])
    else { return nil }

    process = Int32(truncatingIfNeeded: words[MeterLayout.processOffset / 8])
    self.state = state
    memoryBytes = words[MeterLayout.memoryBytesOffset / 8]
    let verdict = words[MeterLayout.verdictOffset / 8]
    self.verdict = verdict == 0 ? nil : (UInt32(truncatingIfNeeded: verdict), UInt32(verdict >> 32))
    var phases: [Phase: Instant] = [:]
    for phase in Phase.allCases {
      let nanoseconds = words[MeterLayout.phasesOffset / 8 + phase.rawValue]
      if nanoseconds != 0 { phases[phase] = Instant(nanoseconds: nanoseconds) }
    }
    self.phases = phases
    var console: [ConsoleCounter: UInt64] = [:]
    for counter in ConsoleCounter.allCases { console[counter] = words[MeterLayout.consoleOffset / 8 + counter.rawValue] }
    self.console = console
    let markCount = min(words[MeterLayout.markCountOffset / 8], UInt64(MeterLayout.markCapacity))
    marks = (0..<Int(markCount)).compactMap { index in
      let word = (MeterLayout.marksOffset + index * MeterLayout.markStride) / 8
      guard words[word] != 0 else { return nil }
      return Mark(
        instant: Instant(nanoseconds: words[word]), source: UInt8(truncatingIfNeeded: words[word + 1] >> 8),
        byte: UInt8(truncatingIfNeeded: words[word + 1]))
    }
    var exits: [ExitReason: UInt64] = [:]
    var cpuNanoseconds: [UInt64] = []
    for cpu in 0..<cpuCount {
      let base = (MeterLayout.virtualCPUsOffset + cpu * MeterLayout.virtualCPUStride) / 8
      for reason in ExitReason.allCases { exits[reason, default: 0] &+= words[base + reason.rawValue] }
      cpuNanoseconds.append(words[base + MeterLayout.virtualCPUTimeOffset / 8])
    }
    self.exits = exits
    self.cpuNanoseconds = cpuNanoseconds
  }
}
