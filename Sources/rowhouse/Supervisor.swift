import Glibc
import Host
import Machine
import Metering

/// Starts `rowhouse-vmm` for one guest and stays with it: relays signals and keys, owns the terminal, and knows in the
/// end how it went.
final class Supervisor {
  /// What is left to say when the VMM has ended.
  enum Outcome {
    case ran(RunRecord)
    /// The guest never ran. The VMM has said why, and given this exit status.
    case refused(status: Int32)
  }

  private let configuration: Configuration
  private let loop: EventLoop
  private let signals: SignalFD
  private let killTimer: TimerFD
  /// The guest's meter, in its folder; without one it has no name, so that nothing is left behind.
  let meter: SharedDescriptor

  private let spawned: Instant
  private let vmm: ChildProcess
  private let terminal: TerminalKeeper?
  /// Where the terminal's keys go in; does not wait for a VMM that does not read.
  private let keys: SharedDescriptor?
  private var keyboard: KeyboardRelay?
  private var isStopping = false
  private var ended: (end: ChildProcess.End, cpuTime: ChildProcess.CPUTime)?

  /// What is kept of keys that the VMM has not taken, in bytes.
  private static let mostKeys = 1 << 20
  /// How long a VMM that was asked to end may take, in nanoseconds.
  private static let patience: UInt64 = 5_000_000_000

  /// Starts the VMM. To be called before any thread is started.
  ///
  /// - Parameters:
  ///   - meter: that of the guest's folder; nil: it has none.
  ///   - kernel: what was unpacked of the kernel; nil: nothing.
  /// - Throws: when no VMM was started.
  init(
    _ configuration: Configuration, meter folderMeter: SharedDescriptor?, kernel: SharedDescriptor?
  ) throws(HostError) {
    var configuration = configuration
    configuration.endsWithParent = true
    self.configuration = configuration
    let program = try VMMProgram()
    // The VMM's end of the pipe, which is closed here when this function returns.
    let keysOfVMM: SharedDescriptor?
    do throws(SystemCallError) {
      // A VMM that has gone is seen by the failed write.
      signal(SIGPIPE, SIG_IGN)
      signals = try SignalFD(TerminalKeeper.endingSignals + [SIGCHLD, SIGTSTP, SIGCONT])
      try signals.collect()
      killTimer = try TimerFD()
      loop = try EventLoop()
      if let folderMeter {
        meter = folderMeter
      } else {
        meter = SharedDescriptor(try .memory(named: "rowhouse-meter"))
      }
      // Only a console on the terminal needs its keys; what else standard input is goes to the guest as it is.
      terminal = configuration.console == .standard ? TerminalKeeper() : nil
      if terminal != nil {
        let pipe = try Pipe()
        keysOfVMM = SharedDescriptor(try .duplicate(of: pipe.reading.number))
        keys = SharedDescriptor(try .duplicate(of: pipe.writing.number))
        try keys?.descriptor.makeNonBlocking()
      } else {
        (keysOfVMM, keys) = (nil, nil)
      }
    } catch {
      throw HostError(error)
    }
    spawned = .now
    vmm = try program.start(
      configuration, streams: [keysOfVMM?.number ?? STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO], meter: meter,
      kernel: kernel, isTied: true)
  }

  /// Stays until the VMM has ended.
  ///
  /// - Throws: with the VMM gone. Its guest may have run.
  func run() throws(HostError) -> Outcome {
    // Whatever happens here, the terminal is its owner's again.
    defer { terminal?.giveBack() }
    do throws(SystemCallError) {
      if let terminal, let keys {
        let writer = StreamWriter(to: ByteSink(keys), limit: Self.mostKeys, loop: loop)
        keyboard = try KeyboardRelay(from: terminal, keys: EscapeKeys([.end]), to: writer, loop: loop) {
          [unowned self] in obey($0)
        }
      }
      try loop.add(signals.number, .readable) { [unowned self] _ in
        // None after the end: the VMM's number may then be another's.
        while ended == nil, let signal = signals.next() { handle(signal) }
      }
      try loop.add(killTimer.number, .readable) { [unowned self] _ in
        killTimer.acknowledge()
        vmm.send(SIGKILL)
      }
      keyboard?.resume()
      try loop.run()
    } catch {
      // Nobody has the guest in hand any more.
      if ended == nil { vmm.end(within: Self.patience) }
      throw HostError(error)
    }
    // A VMM that was killed has not made the terminal usual again, nor said how it was not.
    if case .killed? = ended?.end, terminal?.isTaken == true, hasSequences {
      try? ByteSink.standard(STDOUT_FILENO).offer(ScreenState.undoingAll)
    }
    let lasted = Instant.now.nanoseconds(since: spawned)
    return judge(lasted: lasted, try host { () throws(SystemCallError) in try MeterReading(of: meter.descriptor) })
  }

  /// Whether the terminal understands more than text.
  private var hasSequences: Bool {
    isatty(STDOUT_FILENO) == 1 && Environment["TERM"].map { $0 != "" && $0 != "dumb" } ?? false
  }

  private func judge(lasted: UInt64, _ meter: MeterReading?) -> Outcome {
    // Only a VMM that was somehow collected by another leaves nothing.
    guard let ended else { return .refused(status: 1) }
    let record = RunRecord(
      configuration, ended.end, cpuTime: ended.cpuTime, spawned: spawned, wallNanoseconds: lasted, meter: meter)
    if let record { return .ran(record) }
    if case .exited(let status) = ended.end { return .refused(status: status) }
    return .refused(status: 1)
  }

  private func handle(_ signal: Int32) {
    switch signal {
    case SIGCHLD: lookForEnd()
    case SIGTSTP: suspend()
    case SIGCONT:
      vmm.send(SIGCONT)
      keyboard?.resume()
    default: stop()
    }
  }

  private func lookForEnd() {
    do throws(SystemCallError) {
      // The child also says when it is stopped or goes on.
      guard let collected = try vmm.collect() else { return }
      ended = (collected.end, collected.cpuTime)
    } catch {
      // There is no child to wait for.
    }
    loop.stop()
  }

  private func obey(_ command: EscapeKeys.Command) {
    switch command {
    case .end: stop()
    case .help: keyboard?.help.forEach(StandardError.say)
    // Not among the keys that were asked for.
    case .detach, .takeOver, .tellSize: break
    }
  }

  /// Asks the VMM to end its guest, and sees to it that it does. A second time it no longer waits for the console's
  /// reader.
  private func stop() {
    vmm.send(SIGTERM)
    if isStopping { return }
    isStopping = true
    killTimer.arm(at: .now.advanced(byNanoseconds: Self.patience))
  }

  /// Stops as the shell wants its jobs to; SIGCONT, which comes here like the others, goes on.
  private func suspend() {
    keyboard?.pause()
    vmm.send(SIGSTOP)
    kill(getpid(), SIGSTOP)
  }
}
