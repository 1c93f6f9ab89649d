import Devices
import Glibc
import Host
import Machine
import Metering

/// One start of one VMM, measured from outside in the same way for all.
final class BootTrial {
  enum Outcome {
    case done(BootRun)
    /// Why the start does not count, in one line.
    case failed(String)
  }

  private let contestant: Contestant
  private let goal: BootGoal
  private let loop: EventLoop
  private var console = ConsoleWatch()
  private var seen: [BootMoment: Instant] = [:]
  private var isOutOfTime = false

  /// The byte that a guest's first program writes to the boot timer, as Firecracker's guests do.
  private static let initMark: UInt8 = 123

  init(_ contestant: Contestant, until goal: BootGoal) throws(SystemCallError) {
    self.contestant = contestant
    self.goal = goal
    loop = try EventLoop()
  }

  /// Starts the VMM and stays until the goal is reached or the limit is over.
  ///
  /// - Parameters:
  ///   - limit: in nanoseconds.
  ///   - cpus: those of this computer that the VMM may run on; nil: all.
  ///   - profile: the number of a descriptor that gets what exits cost, from the VMM that can tell.
  func run(limit: UInt64, cpus: PinnedCPUs?, profile: Int32? = nil) throws(SystemCallError) -> Outcome {
    let nothing = try Descriptor.open("/dev/null", .readWrite)
    let errors = try Descriptor.memory(named: "errors")
    let meter = try Descriptor.memory(named: "meter")
    var descriptors = [nothing.number, -1, errors.number]
    if contestant.vmm == .rowhouse { descriptors.append(meter.number) }
    if let profile { descriptors.append(profile) }
    var arguments = contestant.arguments
    if profile != nil { arguments += ["--exit-profile", "/proc/self/fd/\(descriptors.count - 1)"] }

    let ownPeak = try ProcessMemory().figures()?.peak ?? 0
    let output = try Pipe()
    let reading = SharedDescriptor(try .duplicate(of: output.reading.number))
    descriptors[1] = output.writing.number
    try cpus?.enter()
    let started = Instant.now
    let vmm = try ChildProcess(contestant.program, arguments, descriptors: descriptors, defaults: [SIGPIPE])
    try cpus?.leave()
    try watch(reading, vmm.process, limit: started.advanced(byNanoseconds: limit))
    vmm.send(SIGKILL)
    var collected = try vmm.collect()
    while collected == nil {
      usleep(100)
      collected = try vmm.collect()
    }
    guard let (end, cpuTime, memory) = collected else { return .failed("it could not be waited for") }

    var run = BootRun()
    run.userNanoseconds = cpuTime.userNanoseconds
    run.systemNanoseconds = cpuTime.systemNanoseconds
    run.minorFaults = memory.minorFaults
    run.majorFaults = memory.majorFaults
    run.peakResidentBytes = memory.peakResidentBytes > ownPeak ? memory.peakResidentBytes : nil
    for (moment, instant) in seen { run[moment] = instant.nanoseconds(since: started) }
    if contestant.vmm == .rowhouse, let meter = try MeterReading(of: meter) {
      for (phase, instant) in meter.phases {
        if let moment = BootMoment(phase) { run[moment] = instant.nanoseconds(since: started) }
      }
      if let mark = Self.initMark(in: meter) { run[.initReached] = mark.nanoseconds(since: started) }
      run.peakResidentBytes = meter.residentPeakBytes
    }
    if let reason = try failure(of: run, end, errors) { return .failed(reason) }
    return .done(run)
  }

  // MARK: Watching

  /// Returns when the goal is reached, the VMM has ended, or the limit is over.
  private func watch(
    _ reading: SharedDescriptor, _ process: Int32, limit: Instant
  ) throws(SystemCallError) {
    let handle = try ProcessHandle(process)
    let timer = try TimerFD()
    timer.arm(at: limit)
    try loop.add(timer.number, .readable) { [unowned self] _ in
      isOutOfTime = true
      loop.stop()
    }
    try loop.add(reading.number, .readable) { [unowned self] _ in takeOutput(of: reading) }
    try loop.add(handle.number, .readable) { [unowned self] _ in
      saw(.exit, at: .now)
      loop.stop()
    }
    try loop.run()
    // What the VMM said to the last is in the pipe, whose other end is still open here as well.
    while seen[.exit] != nil, reading.descriptor.inputWaiting > 0 { takeOutput(of: reading) }
  }

  private func takeOutput(of reading: SharedDescriptor) {
    guard let bytes = try? reading.descriptor.read(atMost: 1 << 16), !bytes.isEmpty else { return }
    let now = Instant.now
    saw(.firstByte, at: now)
    console.take(bytes) { line in
      if InitLine.matches(line) { saw(.initReached, at: now) }
      if case .marker(let pattern) = goal, pattern.matches(line) { saw(.marker, at: now) }
    }
    if goal.moment != .exit, seen[goal.moment] != nil { loop.stop() }
  }

  private func saw(_ moment: BootMoment, at instant: Instant) {
    if seen[moment] == nil { seen[moment] = instant }
  }

  // MARK: Judging

  private static func initMark(in meter: MeterReading) -> Instant? {
    meter.marks.first { $0.byte == initMark && MarkSource(code: $0.source) == .bootTimer }?.instant
  }

  /// Why a run does not count, nil when it does.
  private func failure(
    of run: BootRun, _ end: ChildProcess.End, _ errors: borrowing Descriptor
  ) throws(SystemCallError) -> String? {
    if isOutOfTime { return "its time was over" }
    // One that was ended at its goal has no status of its own.
    if run[.exit] != nil, end != .exited(status: 0) {
      let bytes = try errors.read(count: Int(clamping: min(1 << 16, try errors.status().size)), at: 0)
      let said = String(decoding: bytes, as: UTF8.self).split(separator: "\n").last.map { ": \($0)" } ?? ""
      switch end {
      case .exited(let status): return "it ended with status \(status)\(said)"
      case .killed(let signal): return "it was ended by signal \(signal)\(said)"
      }
    }
    if run[goal.moment] == nil { return "the console never said what --until waits for" }
    return nil
  }
}
