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
  private let meter: SharedDescriptor

  private let spawned: Instant
  private let vmm: ChildProcess
  private let terminal: TerminalKeeper?
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
  init(
    _ configuration: Configuration, meter folderMeter: SharedDescriptor?, kernel: SharedDescriptor?
  ) throws(HostError) {
    var configuration = configuration
    configuration.endsWithParent = true
    self.configuration = configuration
    let program = try VMMProgram()
    let keys: KeyPipe?
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
      keys = terminal == nil ? nil : try KeyPipe()
    } catch {
      throw HostError(error)
    }
    spawned = .now
    vmm = try program.start(
      configuration, streams: [keys?.reading.number ?? STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO], meter: meter,
      kernel: kernel, isTied: true)
    if let terminal, let keys {
      do throws(SystemCallError) {
        let writer = StreamWriter(to: ByteSink(keys.writing), limit: Self.mostKeys, loop: loop)
        keyboard = try KeyboardRelay(from: terminal, keys: EscapeKeys([.end]), to: writer, loop: loop) {
          [unowned self] in obey($0)
        }
      } catch {
        throw HostError(error)
      }
    }
  }

  /// Stays until the VMM has ended.
  func run() throws(HostError) -> Outcome {
    // Whatever happens here, the terminal is its owner's again.
    defer { terminal?.giveBack() }
    do throws(SystemCallError) {
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
      // A VMM that was killed has not made the terminal usual again, nor said how it was not.
      if case .killed? = ended?.end, terminal?.isTaken == true, hasSequences {
        try? ByteSink.standard(STDOUT_FILENO).offer(ScreenState.undoingAll)
      }
      return judge(lasted: Instant.now.nanoseconds(since: spawned), try MeterReading(of: meter.descriptor))
    } catch {
      throw HostError(error)
    }
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

/// The way of keys to the VMM. Only its writing end outlives the start.
private struct KeyPipe {
  let reading: SharedDescriptor
  /// Does not wait for a VMM that does not read.
  let writing: SharedDescriptor

  init() throws(SystemCallError) {
    let pipe = try Pipe()
    reading = SharedDescriptor(try .duplicate(of: pipe.reading.number))
    writing = SharedDescriptor(try .duplicate(of: pipe.writing.number))
    try writing.descriptor.makeNonBlocking()
  }
}
