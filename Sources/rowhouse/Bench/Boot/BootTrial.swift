import CLinux
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
  private let interruption: Interruption
  private let loop: EventLoop
  private let goalClock: TimerFD
  private var console = ConsoleRecord()
  /// All but `init`, which is told by one of ``initSeen`` when all runs are known.
  private var seen: [BootMoment: Instant] = [:]
  private var initSeen: [InitSource: Instant] = [:]
  private var marks: [PostMark.Mark] = []
  /// What the guest's kernel said when it gave up, and when.
  private var panic: (line: String, instant: Instant)?
  private var isOutOfTime = false
  /// In nanoseconds.
  private let limit: UInt64

  /// How often it is looked at whether a goal before the VMM's end was reached. When that was is told by marks and by
  /// the times of the console's bytes, not by the look.
  private static let lookPeriodNanoseconds: UInt64 = 10_000_000

  /// How long a VMM may take to end when it is asked to.
  private static let patienceMilliseconds: Int32 = 10_000

  /// - Parameter limit: how long the start may take, in nanoseconds.
  init(
    _ contestant: Contestant, until goal: BootGoal, limit: UInt64, or interruption: Interruption
  ) throws(SystemCallError) {
    self.contestant = contestant
    self.limit = limit
    self.goal = goal
    self.interruption = interruption
    loop = try EventLoop()
    goalClock = try TimerFD()
  }

  /// Starts the VMM and stays until the goal is reached or the limit is over.
  ///
  /// - Parameters:
  ///   - cpus: those of this computer that the VMM may run on; nil: all.
  ///   - profile: the number of a descriptor that gets what exits cost, from the VMM that can tell.
  func run(cpus: PinnedCPUs?, profile: Int32? = nil) throws(SystemCallError) -> Outcome {
    let nothing = try Descriptor.open("/dev/null", .readWrite)
    let errors = try Descriptor.memory(named: "errors")
    let meter = contestant.vmm == .rowhouse ? SharedDescriptor(try .memory(named: "meter")) : nil
    let codes = try Pipe()
    let codeReading = SharedDescriptor(try .duplicate(of: codes.reading.number))
    var descriptors = [nothing.number, -1, errors.number]
    if let meter { descriptors.append(meter.number) }
    if contestant.showsPostCodes { descriptors.append(codes.writing.number) }
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
    try watch(reading, codeReading, meter, vmm.process, until: started.advanced(byNanoseconds: limit))
    // Only at an orderly end is it told what exits cost; and only one that has waited for its own children is charged
    // with what they took.
    let isAsked = profile != nil || contestant.vmm.isSupervisor
    let hasEnded = try isAsked ? Self.end(vmm) : true
    let guestTime = GuestTime.of(process: vmm.process)
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
    run.guestNanoseconds = guestTime
    run.minorFaults = memory.minorFaults
    run.majorFaults = memory.majorFaults
    run.peakResidentBytes = memory.peakResidentBytes > ownPeak ? memory.peakResidentBytes : nil
    if let meter, let meter = try MeterReading(of: meter.descriptor) {
      for (phase, instant) in meter.phases {
        if let moment = BootMoment(phase) { run[moment] = instant.nanoseconds(since: started) }
      }
      marks = meter.postMarks
      // At its end a VMM writes what its threads took; one that is killed leaves what it saw last.
      if seen[.exit] != nil, meter.phases[.guestEnded] != nil {
        run.vcpuNanoseconds = meter.cpuNanoseconds.saturatingSum
        run.deviceNanoseconds = meter.deviceNanoseconds
      }
      // It is looked at now and then; one that was killed before the first time knows nothing.
      run.peakResidentBytes = meter.residentPeakBytes > 0 ? meter.residentPeakBytes : nil
    }
    if let instant = console.firstByte { saw(.firstByte, at: instant) }
    lookAtConsole(isAll: true)
    let told = PostMark.Told(marks)
    if let instant = told.kernelEntered { saw(.kernelEntered, at: instant) }
    for (moment, instant) in seen { run[moment] = instant.nanoseconds(since: started) }
    for (source, instant) in initSeen.merging(told.initReached, uniquingKeysWith: { $1 }) {
      run[initBy: source] = instant.nanoseconds(since: started)
    }
    // One that went on until the next look may have come further than others.
    if let end = reachedGoal(run) { run.forget(afterNanoseconds: end) }
    if let reason = try failure(of: run, since: started, end, errors) { return .failed(reason) }
    if !hasEnded { return .failed("it did not end when it was asked to") }
    return .done(run)
  }

  /// Asks a VMM to end, and waits a while for it.
  ///
  /// - Returns: whether it has.
  private static func end(_ vmm: borrowing ChildProcess) throws(SystemCallError) -> Bool {
    let handle = try ProcessHandle(vmm.process)
    vmm.send(SIGTERM)
    return linux_poll_readable(handle.number, patienceMilliseconds) > 0
  }

  // MARK: Watching

  /// Returns when the goal is reached, the VMM has ended, the limit is over, or somebody wants an end.
  private func watch(
    _ reading: SharedDescriptor, _ codes: SharedDescriptor, _ meter: SharedDescriptor?, _ process: Int32,
    until deadline: Instant
  ) throws(SystemCallError) {
    let handle = try ProcessHandle(process)
    let timer = try TimerFD()
    timer.arm(at: deadline)
    try loop.add(timer.number, .readable) { [unowned self] _ in
      isOutOfTime = true
      loop.stop()
    }
    try loop.add(interruption.number, .readable) { [unowned self] _ in loop.stop() }
    try loop.add(reading.number, .readable) { [unowned self] _ in try? console.read(from: reading.descriptor) }
    try loop.add(codes.number, .readable) { [unowned self] _ in takePostCodes(of: codes) }
    if goal.moment != .exit { try watchForGoal(meter) }
    try loop.add(handle.number, .readable) { [unowned self] _ in
      saw(.exit, at: .now)
      loop.stop()
    }
    try loop.run()
    // What the VMM said to the last is in the pipe, whose other end is still open here as well. One that goes on may
    // never be silent: one read takes what it said before the mark that was its goal.
    while reading.descriptor.inputWaiting > 0 {
      try console.read(from: reading.descriptor)
      if seen[.exit] == nil { break }
    }
  }

  /// Ends the run soon after the goal was reached, or cannot be any more.
  private func watchForGoal(_ meter: SharedDescriptor?) throws(SystemCallError) {
    try loop.add(goalClock.number, .readable) { [unowned self] _ in
      goalClock.acknowledge()
      if isOver(meter) { return loop.stop() }
      goalClock.arm(at: .now.advanced(byNanoseconds: Self.lookPeriodNanoseconds))
    }
    goalClock.arm(at: .now)
  }

  private func isOver(_ meter: SharedDescriptor?) -> Bool {
    lookAtConsole(isAll: false)
    if seen[goal.moment] != nil || panic != nil { return true }
    guard case .initReached = goal else { return false }
    let metered = meter.flatMap { try? MeterReading(of: $0.descriptor) }?.postMarks ?? []
    let told = [initSeen] + [marks, metered].map { PostMark.Told($0).initReached }
    return contestant.awaitedInitSources.contains { source in told.contains { $0[source] != nil } }
  }

  private func takePostCodes(of codes: SharedDescriptor) {
    guard let bytes = try? codes.descriptor.read(atMost: 1 << 10) else { return }
    let now = Instant.now
    marks += bytes.map { PostMark.Mark(source: .postCode, byte: $0, instant: now) }
  }

  private func lookAtConsole(isAll: Bool) {
    console.lines(isAll: isAll) { line, instant in
      if initSeen[.line] == nil, InitLine.matches(line) { initSeen[.line] = instant }
      if case .marker(let pattern) = goal, pattern.matches(line) { saw(.marker, at: instant) }
      if panic == nil, PanicLine.matches(line) { panic = (line, instant) }
    }
  }

  private func saw(_ moment: BootMoment, at instant: Instant) {
    if seen[moment] == nil { seen[moment] = instant }
  }

  // MARK: Judging

  /// Why a run does not count, nil when it does.
  private func failure(
    of run: BootRun, since started: Instant, _ end: ChildProcess.End, _ errors: borrowing Descriptor
  ) throws(SystemCallError) -> String? {
    let reached = reachedGoal(run)
    // One that gives up may look well from outside: Linux with panic=-1 resets, which has QEMU end with status 0.
    if let panic {
      let isBeforeGoal = reached.map { panic.instant.nanoseconds(since: started) < $0 } ?? true
      if isBeforeGoal || goal.moment == .exit { return "its guest said: \(panic.line)" }
    }
    if isOutOfTime {
      if goal.moment != .exit { return "\(goal.miss) in \(TimeSpan.format(limit)), the --limit" }
      let endsAtPowerOff = contestant.vmm.endsAtPowerOff
      return """
        it has not ended in \(TimeSpan.format(limit)), the --limit: \
        \(endsAtPowerOff ? "name an earlier goal with --until" : "a reset ends it, and no power-off")
        """
    }
    // One that was ended at its goal has no status of its own.
    if run[.exit] != nil, end != .exited(status: 0) {
      return try end.reason(errors)
    }
    return reached == nil ? goal.miss : nil
  }

  /// When a run reached the goal, nil when it did not. Init is reached by what comes first of what is waited for: what
  /// comes after it is then told of no run, and not of some. One that ended while it was waited for has its line.
  private func reachedGoal(_ run: BootRun) -> UInt64? {
    guard case .initReached = goal else { return run[goal.moment] }
    return contestant.awaitedInitSources.compactMap { run[initBy: $0] }.min() ?? run[initBy: .line]
  }
}
