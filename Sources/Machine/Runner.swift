import Control
import Glibc
import Host
import KVM
import Metering
import Virtio

/// Runs one guest from its configuration to its verdict: the I/O thread's whole life.
package final class Runner {
  let configuration: Configuration
  private let loop: EventLoop
  let relay: ConsoleRelay
  let meter: MeterPage
  private var sampler: UsageSampler?
  /// Open, and so locked, as long as this program lives.
  let meterFile: SharedDescriptor?
  private let hypervisor: Hypervisor
  private let builder: MachineBuilder
  /// For the first run of the guest.
  private var groundwork: Groundwork?
  var limiters: [RateLimiter] { builder.limiters }
  /// As it was last set.
  var cpuAllotment: CPUAllotment
  let controlGroup: ControlGroup?
  private var memoryLimit: MemoryLimit?
  /// What a person wants the balloon to take, in bytes.
  var balloonBytes: UInt64

  private let signals: SignalFD
  /// Rings for the first sample, and in the end when the console's reader and viewers have had their time.
  private let alarm: TimerFD
  /// Nil: the guest may run for ever.
  private let timeLimit: TimeLimit?
  /// Rings for the looks at what nobody reports: whether the guest is halted for good, whether its folder is there.
  private let lookTimer: TimerFD
  private var haltWatch = HaltWatch()
  private var isExamining = false
  /// Whether the guest has run for a moment, and the code that started it was let go.
  private var hasSettled = false

  private(set) var machine: Machine?
  /// How somebody or the time limit wants the run to end. It holds when the guest has reset itself just then.
  private var order: Verdict?
  private var control: ControlServer?
  let folder: OpenFolder?
  var folderWatch = FolderWatch()
  private let profileFile: ProfileFile?

  /// How long a console's reader may take for the rest when the run must end, in nanoseconds.
  private static let patience: UInt64 = 1_000_000_000

  /// Takes from the host everything that stays when the guest starts anew.
  ///
  /// - Parameter bootstrap: begun before the configuration was read; nil: it is begun here.
  package init(_ configuration: Configuration, on bootstrap: BootstrapThread? = nil) throws(MachineError) {
    do throws(ConfigurationError) { try configuration.check() } catch { throw .configuration(error) }
    self.configuration = configuration
    // Before all else, so that KVM has its part to do meanwhile.
    let bootstrap = if let bootstrap { bootstrap } else { try BootstrapThread() }
    hypervisor = bootstrap.hypervisor
    try configuration.check(on: hypervisor)
    groundwork = try Groundwork(configuration, on: bootstrap)
    controlGroup = try Self.enterControlGroup(configuration)
    cpuAllotment = configuration.cpuAllotment
    memoryLimit = configuration.memoryLimitBytes.map {
      MemoryLimit(bytes: $0, memoryBytes: configuration.memoryBytes)
    }
    balloonBytes = configuration.balloonBytes ?? 0
    if configuration.isDetached { try host { () throws(SystemCallError) in try ProcessControl.leaveSession() } }
    if configuration.endsWithParent {
      try host { () throws(SystemCallError) in try ProcessControl.endWithParent() }
      // The terminal sends these to the parent too, and it is the parent that says what comes of them.
      for number in [SIGINT, SIGHUP, SIGQUIT] { signal(number, SIG_IGN) }
    }
    folder = try Self.openFolder(configuration)
    do throws(ConfigurationError) {
      profileFile = try configuration.exitProfile.map { path throws(ConfigurationError) in try ProfileFile(path) }
    } catch {
      throw .configuration(error)
    }
    (meterFile, meter) = try Self.openMeter(configuration, folder)
    meter.reached(.processStarted, at: bootstrap.startTime)

    do throws(SystemCallError) {
      signals = try SignalFD(configuration.endsWithParent ? [SIGTERM] : [SIGTERM, SIGINT, SIGHUP])
      alarm = try TimerFD()
      timeLimit = try configuration.timeoutNanoseconds.map { limit throws(SystemCallError) in try TimeLimit(limit) }
      lookTimer = try TimerFD()
      loop = try EventLoop()
    } catch {
      throw .host(error)
    }
    // A console's reader that goes away is not the guest's affair.
    signal(SIGPIPE, SIG_IGN)
    // Nor is a file that may not grow: the write fails, and that is seen.
    signal(SIGXFSZ, SIG_IGN)
    VirtualCPU.installKickHandler()

    relay = try ConsoleRelay(configuration.console, loop: loop, meter: meter)
    let quota = controlGroup == nil ? cpuAllotment.quota : nil
    builder = try MachineBuilder(configuration, quota, console: relay.output, meter: meter)
    if let folder {
      try host { () throws(SystemCallError) in
        control = try ControlServer(at: folder.control, on: loop) { [unowned self] in answer($0) }
        relay.viewers = try ConsoleViewers(
          at: folder.console, on: loop, input: relay.input, history: relay.history, meter: meter)
        relay.log = try configuration.consoleLogBytes.map { bytes throws(SystemCallError) in
          try ConsoleLog(in: folder, fileBytes: bytes)
        }
      }
    }
  }

  /// Builds the machine, runs it, and runs it again after a reset if that is wanted.
  package func run() throws(MachineError) -> Verdict {
    try host { () throws(SystemCallError) in try watch() }
    var verdict: Verdict
    repeat {
      do throws(MachineError) { verdict = try runOnce() } catch {
        // When it was the next machine that failed, its reader still gets all that the guest said on the one before.
        try? drainConsole(after: .stopped)
        throw error
      }
    } while goesOn(after: verdict)
    if verdict == .reset, configuration.onReset == .reset, let order { verdict = order }
    meter.reached(.tornDown)
    meter.setVerdict(code: verdict.code.code, value: verdict.code.value)
    try host { () throws(SystemCallError) in try drainConsole(after: verdict) }
    sample()
    meter.set(.ended)
    leaveRemains()
    control?.settle(.memory, .refused(.notRunning))
    control?.settle(.awaitEnd, .ended(code: verdict.code.code, value: verdict.code.value))
    try host { () throws(SystemCallError) in try drainViewers(after: verdict) }
    return verdict
  }

  /// Whether the guest starts anew: it wanted to, and nobody wants it to end.
  private func goesOn(after verdict: Verdict) -> Bool {
    verdict == .reset && configuration.onReset == .reset && order == nil
  }

  private func runOnce() throws(MachineError) -> Verdict {
    let groundwork = try takeGroundwork()
    let machine = try builder.build(on: groundwork, balloonBytes: balloonBytes)
    // A signal that comes before ends this program as it ends any other, however long the building takes.
    try host { () throws(SystemCallError) in try signals.collect() }
    var verdict = Verdict.stopped
    self.machine = machine
    relay.attach(machine.uart, machine.consoleLine)
    do {
      let ending = machine.ending.event
      try host { () throws(SystemCallError) in
        try loop.add(ending.number, .readable) { [unowned self] _ in
          ending.drain()
          // What comes after this, while the vCPUs are being stopped, is not how the guest ended.
          guard let first = self.verdict else { return }
          verdict = first
          loop.stop()
        }
      }
      defer { loop.remove(ending.number) }
      try host { () throws(SystemCallError) in try listenToBalloon(of: machine) }
      defer { if let balloon = machine.balloon { loop.remove(balloon.reportCame.number) } }
      var deviceRunners: [DeviceRunner] = []
      defer { for runner in deviceRunners { runner.close() } }
      for device in machine.virtioDevices {
        deviceRunners.append(try host { () throws(SystemCallError) in try DeviceRunner(device, on: loop) })
      }
      // Before the start: one that fails half-way has threads too.
      defer {
        machine.stop()
        for device in machine.virtioDevices { device.powerOff() }
        lookTimer.disarm()
      }
      try machine.start()
      if sampler == nil { sampler = UsageSampler(meter, since: .now) }
      meter.set(.running)
      meter.setAllotment(cpuAllotment.quota)
      meter.setMemoryLimit(configuration.memoryLimitBytes)
      showLimits()
      if let balloon = machine.balloon { meter.setBalloon(target: balloon.target, actual: balloon.actual) }
      armLook(haltWatch.nextInterval)
      timeLimit?.start()
      defer { loop.remove(alarm.number) }
      try host { () throws(SystemCallError) in
        if configuration.isDetached { try folder?.takeMessages() }
        try sampleSoon()
        try loop.run()
      }
      sample()
      if !goesOn(after: verdict) { meter.reached(.guestEnded) }
    }
    try writeProfile(of: machine)
    relay.detach()
    self.machine = nil
    return verdict
  }

  /// The one that was laid first, or a new one when the guest starts anew.
  private func takeGroundwork() throws(MachineError) -> Groundwork {
    defer { groundwork = nil }
    if let groundwork { return groundwork }
    return try Groundwork(configuration, on: BootstrapThread(on: hypervisor))
  }

  /// Takes a sample when the guest has just begun: at once, it would keep the guest's first words waiting.
  private func sampleSoon() throws(SystemCallError) {
    try loop.add(alarm.number, .readable) { [unowned self] _ in
      alarm.acknowledge()
      sample()
    }
    alarm.arm(at: .now.advanced(byNanoseconds: Self.firstSample))
  }

  /// From the guest's start to the first sample, in nanoseconds.
  private static let firstSample: UInt64 = 20_000_000

  private func writeProfile(of machine: Machine) throws(MachineError) {
    guard let profileFile else { return }
    let statistics: [KVMStatistic]
    do throws(KVMError) { statistics = try machine.statistics() } catch { throw .kvm(error) }
    try host { () throws(SystemCallError) in try profileFile.write(machine.profiles, statistics) }
  }

  /// Ends the run because somebody or the time limit wants it so.
  func end(_ verdict: Verdict) {
    if order == nil { order = verdict }
    machine?.ending.report(verdict)
  }

  /// The verdict of the machine that runs, nil while there is none.
  private var verdict: Verdict? { machine?.ending.verdict(hasPanicked: relay.output.panic != .calm) }

  // MARK: What the I/O thread waits for

  private func watch() throws(SystemCallError) {
    try relay.start { [unowned self] in machine?.ending.report(.panic) }
    try loop.add(signals.number, .readable) { [unowned self] _ in
      while signals.next() != nil { end(.stopped) }
    }
    try loop.add(lookTimer.number, .readable) { [unowned self] _ in
      lookTimer.acknowledge()
      look()
    }
    try timeLimit?.watch(on: loop) { [unowned self] in end(.timeout) }
  }

  func pause(_ machine: Machine) {
    guard !machine.isPaused else { return }
    sample()
    machine.pause()
    timeLimit?.pause()
    isExamining = false
    armLook(HaltWatch.longest)
    meter.set(.paused)
  }

  func resume(_ machine: Machine) {
    guard machine.isPaused else { return }
    meter.set(.running)
    timeLimit?.resume()
    haltWatch = HaltWatch()
    armLook(haltWatch.nextInterval)
    machine.resume()
  }

  /// Brings the meter up to date.
  ///
  /// - Returns: the CPU time of each vCPU's thread, in nanoseconds.
  @discardableResult
  func sample() -> [UInt64] {
    var cpuTimes: [UInt64] = []
    let resident = sampler?.sample {
      cpuTimes = machine?.cpuNanoseconds ?? []
      return cpuTimes
    } ?? 0
    if let controlGroup { meter.setHostThrottled(nanoseconds: controlGroup.throttledNanoseconds) }
    showBudgets()
    if let balloon = machine?.balloon {
      keepMemoryLimit(resident, balloon)
      meter.setBalloon(target: balloon.target, actual: balloon.actual)
    }
    return cpuTimes
  }

  /// Passes on what the guest's kernel says of its memory.
  private func listenToBalloon(of machine: Machine) throws(SystemCallError) {
    guard let balloon = machine.balloon else { return }
    try loop.add(balloon.reportCame.number, .readable) { [unowned self] _ in
      balloon.reportCame.drain()
      control?.settle(.memory, .memory(balloon.report))
    }
  }

  private func keepMemoryLimit(_ resident: UInt64, _ balloon: MachineBalloon) {
    let most = configuration.memoryBytes - Configuration.memoryLimits.lowerBound
    let now = Instant.now
    let target = memoryLimit?.target(
      resident: resident, target: balloon.target, actual: balloon.actual, least: balloonBytes, most: most, at: now)
    if let target { balloon.setTarget(target) }
    if memoryLimit?.isInVain(at: now) ?? false {
      StandardError.say("--memory-max: the guest does not give up memory; it needs a driver for its balloon")
    }
  }

  /// Writes into the meter what may go through disks and network cards.
  func showLimits() {
    for index in configuration.disks.indices { meter.disk(index).show(limiters[index].limits) }
    for index in configuration.networks.indices {
      meter.network(index).show(limiters[configuration.disks.count + index].limits)
    }
    showBudgets()
  }

  private func showBudgets() {
    for index in configuration.disks.indices { meter.disk(index).show(budgetUsedUp: limiters[index].isExhausted) }
    for index in configuration.networks.indices {
      meter.network(index).show(budgetUsedUp: limiters[configuration.disks.count + index].isExhausted)
    }
  }

  private func look() {
    guard let machine else { return }
    if !hasSettled {
      hasSettled = true
      ProcessControl.releaseCode()
    }
    lookForFolder()
    // A paused guest looks as if it were halted for good.
    if machine.isPaused { armLook(HaltWatch.longest) } else { lookForHalt(machine) }
  }

  /// - Parameter interval: to the next look, in nanoseconds; a guest that must end before is looked at when it must.
  private func armLook(_ interval: UInt64) {
    let now = Instant.now
    let next = now.advanced(byNanoseconds: interval)
    let end = folderWatch.deadline.flatMap { $0 > now ? $0 : nil }
    lookTimer.arm(at: min(next, end ?? next))
  }

  private func lookForHalt(_ machine: Machine) {
    if isExamining, machine.isHaltedForGood { return machine.ending.report(.halted) }
    isExamining = false
    let cpuTimes = sample()
    if haltWatch.look(cpuTime: cpuTimes.reduce(0, +)) == .idle {
      isExamining = true
      machine.examine()
    }
    armLook(isExamining ? HaltWatch.answerTime : haltWatch.nextInterval)
  }

  /// Gives the console's reader what the guest said to the last, however slow it is; a signal ends the wait.
  /// When it was not the guest that ended the run but a person or the clock, the reader has a second.
  private func drainConsole(after verdict: Verdict) throws(SystemCallError) {
    var isDrained = false
    relay.whenDrained { [unowned self] in
      isDrained = true
      loop.stop()
    }
    if !isDrained {
      if verdict == .timeout || verdict == .stopped {
        try loop.add(alarm.number, .readable) { [unowned self] _ in loop.stop() }
        alarm.arm(at: .now.advanced(byNanoseconds: Self.patience))
      }
      loop.remove(signals.number)
      try loop.add(signals.number, .readable) { [unowned self] _ in loop.stop() }
      try loop.run()
    }
  }

  /// Tells the console's viewers how it ended, and gives them, and who else watches, a second for what they have not
  /// read yet.
  private func drainViewers(after verdict: Verdict) throws(SystemCallError) {
    relay.end(verdict)
    let limit = Instant.now.advanced(byNanoseconds: Self.patience)
    loop.remove(alarm.number)
    try loop.add(alarm.number, .readable) { [unowned self] _ in
      alarm.acknowledge()
      loop.stop()
    }
    while !relay.isWatchedToTheEnd, Instant.now < limit {
      alarm.arm(at: min(limit, .now.advanced(byNanoseconds: Self.drainStep)))
      try loop.run()
    }
    relay.waitForTerminalReader()
  }

  /// Between two looks whether all viewers have the rest, in nanoseconds.
  private static let drainStep: UInt64 = 5_000_000
}
