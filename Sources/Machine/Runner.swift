import Control
import Glibc
import Host
import KVM
import Metering
import Virtio

/// Runs one guest from its configuration to its verdict: the I/O thread's whole life.
package final class Runner {
  let configuration: Configuration
  let loop: EventLoop
  let relay: ConsoleRelay
  let meter: MeterPage
  var sampler: UsageSampler?
  /// Nil without network cards.
  var tapDrops: TapDrops?
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
  var memoryLimit: MemoryLimit?
  /// What a person wants the balloon to take, in bytes.
  var balloonBytes: UInt64

  let signals: SignalFD
  /// Rings for the first sample, and in the end when the console's reader and viewers have had their time.
  let alarm: TimerFD
  /// Nil: the guest may run for ever.
  private let timeLimit: TimeLimit?
  /// Rings for the looks at what nobody reports: whether the guest is halted for good, whether its folder is there.
  let lookTimer: TimerFD
  /// Rings when a guest that has idled works again. Made when one idles.
  var workTimer: ThreadTimer?
  static let workSignal = SIGPROF
  var haltWatch = HaltWatch()
  var isExamining = false
  /// A person wants the guest to wait, also the one that a reset makes of it at the same moment.
  private var isHeld = false
  /// Whether the guest has run for a moment, and the code that started it was let go.
  var hasSettled = false

  private(set) var machine: Machine?
  /// How somebody or the time limit wants the run to end. It holds when the guest has reset itself just then.
  private var order: Verdict?
  /// What is said to who waits for the guest's end; nil: it has not ended.
  private(set) var outcome: ControlReply?
  private(set) var control: ControlServer?
  let folder: OpenFolder?
  var folderWatch = FolderWatch()
  let profileFile: ProfileFile?

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
      signals = try SignalFD([Self.workSignal, SIGTERM] + (configuration.endsWithParent ? [] : [SIGINT, SIGHUP]))
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
        // A guest that ran, on this machine or on one before, ends with all that it said and used.
        if sampler == nil { try? drainConsole(after: .stopped) } else { try? conclude(.hostFailed) }
        throw error
      }
    } while goesOn(after: verdict)
    if verdict == .reset, configuration.onReset == .reset, let order { verdict = order }
    meter.reached(.tornDown)
    try host { () throws(SystemCallError) in try conclude(verdict) }
    return verdict
  }

  /// Writes down how the guest ended, and tells everybody who wants to know.
  private func conclude(_ verdict: Verdict) throws(SystemCallError) {
    meter.setVerdict(code: verdict.code.code, value: verdict.code.value)
    // Its memory is given back by now, and its console's reader may take as long as it likes.
    sample()
    try drainConsole(after: verdict)
    sample()
    meter.set(.ended)
    leaveRemains()
    let outcome = ControlReply(verdict)
    self.outcome = outcome
    control?.settle(.memory, .refused(.notRunning))
    control?.settle(.awaitEnd, outcome)
    try drainViewers(after: verdict)
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
    defer {
      relay.detach()
      self.machine = nil
    }
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
      if tapDrops == nil, !configuration.networks.isEmpty { tapDrops = TapDrops(configuration.networks) }
      meter.set(.running)
      meter.setAllotment(cpuAllotment.quota)
      meter.setMemoryLimit(configuration.memoryLimitBytes)
      showLimits()
      if let balloon = machine.balloon { meter.setBalloon(target: balloon.target, actual: balloon.actual) }
      armLook(haltWatch.nextInterval)
      timeLimit?.start()
      defer { loop.remove(alarm.number) }
      if isHeld { hold(machine) }
      try host { () throws(SystemCallError) in
        if configuration.isDetached { try folder?.takeMessages() }
        try sampleSoon()
        try loop.run()
      }
      sample()
      if !goesOn(after: verdict) { meter.reached(.guestEnded) }
    }
    try writeProfile(of: machine)
    return verdict
  }

  /// The one that was laid first, or a new one when the guest starts anew.
  private func takeGroundwork() throws(MachineError) -> Groundwork {
    defer { groundwork = nil }
    if let groundwork { return groundwork }
    return try Groundwork(configuration, on: BootstrapThread(on: hypervisor))
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
      while let signal = signals.next() {
        if signal == Self.workSignal { look() } else { end(.stopped) }
      }
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
    isHeld = true
    hold(machine)
  }

  private func hold(_ machine: Machine) {
    machine.pause()
    timeLimit?.pause()
    memoryLimit?.standStill()
    isExamining = false
    armLook(HaltWatch.longest)
    meter.set(.paused)
  }

  func resume(_ machine: Machine) {
    guard machine.isPaused else { return }
    isHeld = false
    meter.set(.running)
    timeLimit?.resume()
    haltWatch = HaltWatch()
    armLook(haltWatch.nextInterval)
    machine.resume()
  }
}
