import Host
import Synchronization

/// A guest's meter, as the VMM writes it: relaxed atomic words in memory that readers share.
///
/// Writing costs a store, reading costs the guest nothing, and what was written survives the VMM's death.
package final class MeterPage: Sendable {
  private let mapping: Mapping
  package let cpuCount: Int

  /// Makes the meter of a guest that is about to start, in `file`, or in private memory when nobody will read it.
  package init(
    in file: SharedDescriptor?, cpuCount: Int, memoryBytes: UInt64, process: Int32
  ) throws(SystemCallError) {
    self.cpuCount = cpuCount
    let bytes = MeterLayout.bytes(cpuCount: cpuCount)
    if let file {
      // Emptied first, so that no figure of an earlier guest is left.
      try file.descriptor.truncate(to: 0)
      try file.descriptor.truncate(to: Int64(bytes))
      mapping = try .file(file.descriptor, count: bytes)
    } else {
      mapping = try .anonymous(bytes)
    }
    store(MeterLayout.version, at: MeterLayout.versionOffset)
    store(UInt64(UInt32(bitPattern: process)), at: MeterLayout.processOffset)
    store(UInt64(cpuCount), at: MeterLayout.cpuCountOffset)
    store(memoryBytes, at: MeterLayout.memoryBytesOffset)
    // Last, with release: whoever sees the magic sees the rest.
    word(MeterLayout.magicOffset) { $0.store(MeterLayout.magic, ordering: .releasing) }
  }

  // MARK: The guest

  package func set(_ state: GuestState) { store(state.rawValue, at: MeterLayout.stateOffset) }

  /// Writes down how the guest ended, by the code and value that `Machine`'s verdict gives itself.
  package func setVerdict(code: UInt32, value: UInt32) {
    store(UInt64(value) << 32 | UInt64(code), at: MeterLayout.verdictOffset)
  }

  /// Writes down that a phase is reached, unless it was before.
  package func reached(_ phase: Phase, at instant: Instant = .now) {
    word(MeterLayout.phasesOffset + phase.rawValue * 8) {
      _ = $0.compareExchange(expected: 0, desired: instant.nanoseconds, ordering: .relaxed)
    }
  }

  package func count(_ bytes: Int, _ counter: ConsoleCounter) {
    word(MeterLayout.consoleOffset + counter.rawValue * 8) {
      _ = $0.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }
  }

  /// Adds a time-stamped mark of the guest's own. The page has room for 128; those beyond are counted and not kept.
  ///
  /// - Parameter source: what kind of mark it is, 0 to 255.
  package func addMark(_ mark: UInt8, source: UInt8, at instant: Instant) {
    let index = word(MeterLayout.markCountOffset) { $0.wrappingAdd(1, ordering: .relaxed).oldValue }
    guard index < UInt64(MeterLayout.markCapacity) else { return }
    let offset = MeterLayout.marksOffset + Int(index) * MeterLayout.markStride
    store(UInt64(source) << 8 | UInt64(mark), at: offset + 8)
    // Last: a mark without a moment is one that is still being written.
    word(offset) { $0.store(instant.nanoseconds, ordering: .releasing) }
  }

  // MARK: The vCPUs

  /// Counts an exit of a vCPU. Only that vCPU's thread may call this: it is the word's one writer.
  @inline(__always)
  package func countExit(_ reason: ExitReason, cpu: Int) {
    word(MeterLayout.virtualCPUsOffset + cpu * MeterLayout.virtualCPUStride + reason.rawValue * 8) {
      $0.store($0.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
  }

  /// Writes down the CPU time of a vCPU's thread, guest and host together, in nanoseconds.
  package func setCPUTime(_ nanoseconds: UInt64, cpu: Int) {
    store(
      nanoseconds,
      at: MeterLayout.virtualCPUsOffset + cpu * MeterLayout.virtualCPUStride + MeterLayout.virtualCPUTimeOffset)
  }

  // MARK: Words

  private func store(_ value: UInt64, at offset: Int) {
    word(offset) { $0.store(value, ordering: .relaxed) }
  }

  @inline(__always)
  private func word<Result>(_ offset: Int, _ body: (borrowing Atomic<UInt64>) -> Result) -> Result {
    assert(offset >= 0 && offset % 8 == 0 && offset + 8 <= mapping.count)
    // SAFETY: every offset is one of MeterLayout's, below the mapping's size for this number of vCPUs and a multiple of
    // eight; an Atomic<UInt64> is laid out as the word it guards, and any word is a valid one.
    return unsafe body((mapping.base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee)
  }
}
