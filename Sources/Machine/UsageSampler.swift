import Host
import Metering

/// Reads what the host knows of this process and writes it into the guest's meter: on the I/O thread, when there is a
/// reason to, and never by a clock of its own.
struct UsageSampler: ~Copyable {
  private let meter: MeterPage
  /// Opened with the first sample.
  private var memory: ProcessMemory?
  /// Nil: it was not asked yet how much was resident.
  private var last: (instant: Instant, resident: UInt64?)
  /// Byte-nanoseconds are more than a word holds: whole KiB-seconds, and what is left over.
  private var kibibyteSeconds: UInt64 = 0
  private var rest: UInt64 = 0
  /// CPU time of the process without its vCPUs' threads.
  private var deviceNanoseconds: UInt64 = 0

  /// - Parameter start: from when on memory counts.
  init(_ meter: MeterPage, since start: Instant) {
    self.meter = meter
    last = (start, nil)
  }

  /// - Parameter readCPUTimes: reads those of the vCPU threads, in nanoseconds; none when they have ended, and said it
  ///   themselves.
  /// - Returns: bytes of this process in the host's memory.
  mutating func sample(_ readCPUTimes: () -> [UInt64]) -> UInt64 {
    #if ROWHOUSE_UNMETERED
      // The halt watch wants them anyway.
      _ = readCPUTimes()
      return 0
    #else
      return writeSample(readCPUTimes)
    #endif
  }

  private mutating func writeSample(_ readCPUTimes: () -> [UInt64]) -> UInt64 {
    let now = Instant.now
    sampleCPUTimes(readCPUTimes)
    if memory == nil { memory = try? ProcessMemory() }
    let figures = memory?.figures()
    let resident = figures?.resident ?? 0
    // Between two samples memory came and went in some way: the mean of both is the best guess, and before the first
    // one that it was as it is.
    add(((last.resident ?? resident) + resident) / 2, for: now.nanoseconds(since: last.instant))
    last = (now, resident)
    meter.setSample(
      at: now, deviceNanoseconds: deviceNanoseconds, resident: resident, residentPeak: figures?.peak ?? 0,
      residentKibibyteSeconds: kibibyteSeconds)
    return resident
  }

  private mutating func sampleCPUTimes(_ read: () -> [UInt64]) {
    // Who reads a thread's clock has the kernel look at that thread. So vCPUs' are read before the process' own, which
    // then has their time, and again after it, so that none of their time is taken for the devices'.
    _ = read()
    let processTime = HostClock.processCPUNanoseconds
    for (index, time) in read().enumerated() { meter.cpu(index).raiseTimeRun(to: time) }
    var cpuTime: UInt64 = 0
    for index in 0..<meter.shape.cpuCount { cpuTime = cpuTime.saturatingAdd(meter.cpu(index).timeRun) }
    deviceNanoseconds = max(deviceNanoseconds, processTime.saturatingSubtract(cpuTime))
  }

  private mutating func add(_ bytes: UInt64, for nanoseconds: UInt64) {
    let unit: UInt64 = 1_000_000_000
    let (high, low) = (bytes >> 10).multipliedFullWidth(by: nanoseconds)
    // So many nanoseconds and KiB that 64 bits do not hold the quotient cannot be: 2^42 KiB for 2^52 ns.
    let (quotient, remainder) = unit.dividingFullWidth((min(high, unit - 1), low))
    kibibyteSeconds &+= quotient
    rest += remainder
    if rest >= unit {
      rest -= unit
      kibibyteSeconds &+= 1
    }
  }
}
