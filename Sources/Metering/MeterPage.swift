import Host
import Synchronization

/// A guest's meter, as the VMM writes it: relaxed atomic words in memory that readers share.
///
/// Writing costs a store, reading costs the guest nothing, and what was written survives the VMM's death. A word that
/// is counted up has one writer, unless its function says otherwise.
package final class MeterPage: Sendable {
  private let mapping: Mapping
  package let shape: MeterShape

  /// Makes the meter of a guest that is about to start, in `file`, or in private memory when nobody will read it.
  package init(
    in file: SharedDescriptor?, _ shape: MeterShape, memoryBytes: UInt64, process: Int32
  ) throws(SystemCallError) {
    self.shape = shape
    if let file {
      // Emptied first, so that no figure of an earlier guest is left.
      try file.descriptor.truncate(to: 0)
      // With its room, or the first word on a page of its own would end this program when the disk is full (SIGBUS).
      try file.descriptor.allocate(count: UInt64(shape.byteCount))
      mapping = try .file(file.descriptor, count: shape.byteCount)
    } else {
      mapping = try .anonymous(shape.byteCount)
    }
    store(MeterLayout.version, .version)
    store(UInt64(shape.byteCount), .byteCount)
    var run = InlineArray<2, UInt64>(repeating: 0)
    // SAFETY: the local array's own memory; any bytes are integers.
    unsafe try withUnsafeMutableBytes(of: &run) { bytes throws(SystemCallError) in unsafe try Random.fill(bytes) }
    for index in 0..<2 { store(run[index], at: MeterLayout.Guest.run.rawValue + 8 * index) }
    store(HostClock.nanosecondsSince1970, .started)
    store(UInt64(UInt32(bitPattern: process)), .process)
    store(UInt64(shape.cpuCount), .cpuCount)
    store(UInt64(shape.diskCount), .diskCount)
    store(UInt64(shape.networkCount), .networkCount)
    store(UInt64(shape.cpus), .cpus)
    store(UInt64(shape.disks), .disks)
    store(UInt64(shape.networks), .networks)
    store(memoryBytes, .memory)
    store(memoryBytes, .memoryGiven)
    // Last, with release: whoever sees the magic sees the rest.
    word(MeterLayout.Guest.magic.rawValue) { $0.store(MeterLayout.magic, ordering: .releasing) }
  }

  // MARK: The guest

  package func set(_ state: GuestState) { store(state.rawValue, .state) }

  /// Writes down how the guest ended, by the code and value that `Machine`'s verdict gives itself.
  package func setVerdict(code: UInt32, value: UInt32) { store(UInt64(value) << 32 | UInt64(code), .verdict) }

  /// How many watch the console now.
  package func set(viewers: Int) { store(UInt64(viewers), .viewers) }

  /// Writes down that a phase is reached, unless it was before.
  package func reached(_ phase: Phase, at instant: Instant = .now) {
    word(MeterLayout.Guest.phases.rawValue + phase.rawValue * 8) {
      _ = $0.compareExchange(expected: 0, desired: instant.nanoseconds, ordering: .relaxed)
    }
  }

  /// Counts bytes of the console. Several threads may call this.
  package func count(_ bytes: Int, _ counter: ConsoleCounter) {
    word(MeterLayout.Guest.console.rawValue + counter.rawValue * 8) {
      _ = $0.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }
  }

  /// Adds a time-stamped mark of the guest's own. The page has room for 128; those beyond are counted and not kept.
  /// Several threads may call this.
  ///
  /// - Parameter source: what kind of mark it is, 0 to 255.
  package func addMark(_ mark: UInt8, source: UInt8, at instant: Instant) {
    let index = word(MeterLayout.Guest.markCount.rawValue) { $0.wrappingAdd(1, ordering: .relaxed).oldValue }
    guard index < UInt64(MeterLayout.markCapacity) else { return }
    let offset = MeterLayout.Guest.marks.rawValue + Int(index) * MeterLayout.markStride
    store(UInt64(source) << 8 | UInt64(mark), at: offset + 8)
    // Last: a mark without a moment is one that is still being written.
    word(offset) { $0.store(instant.nanoseconds, ordering: .releasing) }
  }

  // MARK: Allotment

  /// - Parameter quota: nil: all the CPU time that there is.
  package func setAllotment(_ quota: CPUQuota?) {
    store(quota?.periodNanoseconds ?? 0, .cpuPeriod)
    store(quota?.burstNanoseconds ?? 0, .cpuBurst)
    store(quota?.nanoseconds ?? 0, .cpuQuota)
  }

  /// - Parameter bytes: nil: no limit.
  package func setMemoryLimit(_ bytes: UInt64?) { store(bytes ?? 0, .memoryLimit) }

  /// - Parameters:
  ///   - target: what the guest shall give up of its memory, in bytes.
  ///   - actual: what it has given up.
  package func setBalloon(target: UInt64, actual: UInt64) {
    store(target, .balloonTarget)
    let memory = load(at: MeterLayout.Guest.memory.rawValue)
    store(memory - min(actual, memory), .memoryGiven)
  }

  // MARK: Samples, on the I/O thread

  /// Writes down what the I/O thread has read at a moment.
  ///
  /// - Parameters:
  ///   - since1970: the wall clock's time then, in nanoseconds since 1970-01-01 00:00 UTC.
  ///   - deviceNanoseconds: CPU time of the VMM without its vCPUs' threads.
  ///   - resident: bytes of the VMM's process in the host's memory.
  ///   - residentPeak: the most that there ever were.
  ///   - residentKibibyteSeconds: the sum over time.
  package func setSample(
    at instant: Instant, since1970: UInt64 = HostClock.nanosecondsSince1970, deviceNanoseconds: UInt64,
    resident: UInt64, residentPeak: UInt64, residentKibibyteSeconds: UInt64
  ) {
    store(since1970, .sampledSince1970)
    store(deviceNanoseconds, .deviceTime)
    store(resident, .resident)
    store(residentPeak, .residentPeak)
    store(residentKibibyteSeconds, .residentSeconds)
    store(instant.nanoseconds, .sampled)
  }

  /// For how long the host's control group has held the VMM back, summed over CPUs.
  package func setHostThrottled(nanoseconds: UInt64) { store(nanoseconds, .hostThrottled) }

  // MARK: The parts

  package func cpu(_ index: Int) -> CPUMeter {
    precondition(index >= 0 && index < shape.cpuCount)
    return CPUMeter(MeterBlock(page: self, start: shape.cpus + index * MeterLayout.cpuStride))
  }

  package func disk(_ index: Int) -> DiskMeter {
    precondition(index >= 0 && index < shape.diskCount)
    return DiskMeter(MeterBlock(page: self, start: shape.disks + index * MeterLayout.diskStride))
  }

  package func network(_ index: Int) -> NetworkMeter {
    precondition(index >= 0 && index < shape.networkCount)
    return NetworkMeter(MeterBlock(page: self, start: shape.networks + index * MeterLayout.networkStride))
  }

  // MARK: Words

  private func store(_ value: UInt64, _ field: MeterLayout.Guest) { store(value, at: field.rawValue) }

  @inline(__always)
  func store(_ value: UInt64, at offset: Int) { word(offset) { $0.store(value, ordering: .relaxed) } }

  @inline(__always)
  func load(at offset: Int) -> UInt64 { word(offset) { $0.load(ordering: .relaxed) } }

  @inline(__always)
  func word<Result>(_ offset: Int, _ body: (borrowing Atomic<UInt64>) -> Result) -> Result {
    // SAFETY: as below.
    unsafe body(words(from: offset).pointee)
  }

  @inline(__always)
  func words(from offset: Int) -> UnsafePointer<Atomic<UInt64>> {
    assert(offset >= 0 && offset % 8 == 0 && offset + 8 <= mapping.count)
    // SAFETY: every offset is one of MeterLayout's, below the mapping's size for this shape and a multiple of eight; an
    // Atomic<UInt64> is laid out as the word it guards, and any word is a valid one.
    return unsafe UnsafePointer((mapping.base + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }
}
