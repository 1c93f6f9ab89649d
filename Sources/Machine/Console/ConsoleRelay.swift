import Devices
import Glibc
import Host
import Metering
import Virtio

/// Carries a guest's console between its devices and the host, on the I/O thread.
///
/// It outlives the guest's resets: the devices change, the host's end stays.
final class ConsoleRelay {
  /// The guest's ends of the console, nil between two starts of the machine; without a virtio console it has one.
  private var uart: UART16550?
  private var line: ConsoleLine?

  let output: ConsoleOutput
  let input: ConsoleInput
  private let end: ConsoleEnd
  private var lineEnds = LineEnds(at: STDOUT_FILENO)
  /// Nil: the console is on no terminal whose window the guest could know.
  private let window: TerminalWindow?
  /// What the guest has made of the terminal that standard output is; nil: it is none.
  private var screen: ScreenState?
  /// Kept for ``viewers`` and at ``port``.
  let history: ConsoleHistory
  private let loop: EventLoop
  private let meter: MeterPage

  /// Rings a moment after output was written, to look whether more came.
  private let pause: TimerFD
  /// A burst's bytes are collected for so long, in nanoseconds, before the next system call. A person sees no delay
  /// below 10 ms, and a serial line at 115,200 baud has 11 bytes in this time.
  private static let collecting: UInt64 = 1_000_000

  /// Rings when the guest has been silent long enough after a panic.
  private let silence: TimerFD

  private var isWaitingToWrite = false
  private var hasLostOutput = false
  private var whenDrained: (() -> Void)?

  /// Who else watches and types; nil: nobody can.
  var viewers: ConsoleViewers? {
    didSet { viewers?.whenWindowChanged = { [unowned self] in tellWindow() } }
  }
  /// Nil: it is not kept.
  var log: ConsoleLog?
  private let terminal: ConsoleTerminal?
  private let port: ConsolePort?
  /// Where the console's host end is: the path or address of what was made for it, or else what `--console` has.
  let place: String

  init(_ console: Configuration.Console, loop: EventLoop, meter: MeterPage) throws(MachineError) {
    do throws(ConsoleError) { end = try ConsoleEnd.open(console) } catch { throw .console(error) }
    if let place = end.place { StandardError.say("the console is \(place)") }
    place = end.place ?? console.description
    self.loop = loop
    self.meter = meter
    do throws(SystemCallError) {
      pause = try TimerFD()
      silence = try TimerFD()
      output = try ConsoleOutput(meter: meter)
      let history = try ConsoleHistory()
      self.history = history
      let input = ConsoleInput(from: end.input, room: output.inputRoom, loop: loop, meter: meter)
      self.input = input
      terminal = end.terminal.map { ConsoleTerminal($0, on: loop) }
      port = try end.listener.map { listener throws(SystemCallError) in
        try ConsolePort(at: listener, on: loop, input: input, history: history)
      }
      window = console == .standard ? try TerminalWindow() : nil
      screen = window == nil ? nil : ScreenState()
    } catch {
      throw .host(error)
    }
  }

  /// Starts to carry bytes.
  ///
  /// - Parameter panicIsCertain: called when the guest has printed a panic to its end, and is silent since.
  func start(panicIsCertain: @escaping () -> Void) throws(SystemCallError) {
    try loop.add(output.wake.number, .readable) { [unowned self] _ in
      output.wake.drain()
      awaitSilence()
      flush()
    }
    try loop.add(pause.number, .readable) { [unowned self] _ in
      pause.acknowledge()
      flush()
    }
    try loop.add(silence.number, .readable) { [unowned self] _ in
      silence.acknowledge()
      if case .finished(let moment) = output.panic, Instant.now.nanoseconds(since: moment) >= PanicWatch.silence {
        panicIsCertain()
      }
    }
    try window?.watch(on: loop) { [unowned self] in tellWindow() }
    try input.start()
  }

  /// Connects the console to a machine that is about to start.
  ///
  /// - Parameter line: of the virtio console, which is then the one that is typed on.
  func attach(_ uart: UART16550, _ line: ConsoleLine?) {
    self.uart = uart
    self.line = line
    output.forgetPanic()
    if isAlone, screen == nil, let sink = end.output, !sink.mayWait { output.sendFirstByte(to: sink) }
    tellWindow()
    if let line { input.attach(line) } else { input.attach(uart) }
  }

  func detach() {
    uart = nil
    line = nil
    input.detach()
  }

  /// The guest draws for the viewer who writes, or else for the terminal that the console is on.
  private func tellWindow() {
    line?.size = viewers?.window ?? window?.size ?? TerminalSize(columns: 0, rows: 0)
  }

  /// Tells the viewers that the guest has ended.
  func end(_ verdict: Verdict) { viewers?.end(verdict) }

  /// Whether all who watch have what the guest said, or have gone.
  var isWatchedToTheEnd: Bool {
    (viewers?.isDrained ?? true) && (terminal?.isDrained ?? true) && (port?.isDrained ?? true)
  }

  /// Waits for who reads a pseudo-terminal that was made for the console.
  func waitForTerminalReader() { terminal?.waitForReader() }

  // MARK: Output

  /// Calls `action` once the host has all output, or will never take it.
  func whenDrained(_ action: @escaping () -> Void) {
    whenDrained = action
    flush()
  }

  /// Has the panic's silence waited for, whether the console's reader takes anything or not.
  private func awaitSilence() {
    if case .finished(let moment) = output.panic {
      silence.arm(at: moment.advanced(byNanoseconds: PanicWatch.silence))
    } else {
      silence.disarm()
    }
  }

  /// Whether what the guest says goes to ``end``'s output only.
  private var isAlone: Bool { viewers == nil && log == nil && terminal == nil && port == nil }

  private func flush() {
    guard !isWaitingToWrite else { return }
    var count = 0
    // SAFETY: the bytes stay until the closure returns, and are only counted, copied or written out in it.
    let hasRoomAgain = unsafe output.withFront { bytes in
      count = unsafe hasLostOutput || end.output == nil ? bytes.count : write(bytes)
      let lost = hasLostOutput ? count : 0
      if count == 0 || isAlone { return (count, lost) }
      let said = unsafe Array(bytes.prefix(count))
      if viewers != nil || port != nil { history.append(said) }
      // First: who has seen it finds it there.
      let lostToLog = log?.write(said) ?? 0
      viewers?.show(said)
      port?.show(said)
      return (count, max(lost, terminal?.show(said) ?? 0, lostToLog))
    }
    if hasRoomAgain {
      uart?.transmitterHasRoom()
      line?.transmitterHasRoom()
    }
    if isWaitingToWrite { return }
    if let whenDrained {
      guard output.isEmpty else { return pause.arm(at: .now) }
      self.whenDrained = nil
      whenDrained()
    } else if count > 0 || !output.rest() {
      // More of this burst may come: stay awake for one more look.
      pause.arm(at: .now.advanced(byNanoseconds: Self.collecting))
    }
  }

  /// Writes what the host takes now; asks to be called when it takes more.
  private func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    do throws(SystemCallError) {
      // SAFETY: the caller's bytes, for the call.
      if end.input == nil { return unsafe try end.output!.write(bytes) }
      let taken = unsafe try lineEnds.write(bytes, to: end.output!)
      if screen != nil { unsafe screen?.note(Array(bytes.prefix(taken))) }
      return taken
    } catch where error.errno == .again {
      waitToWrite()
    } catch where error.errno == .interrupted {
      // The next look comes at once.
    } catch {
      // The guest's life does not hang on it. A reader that has gone knows that it has; a full disk says nothing.
      hasLostOutput = true
      if error.errno != .brokenPipe, error.errno != .inputOutput {
        StandardError.say("--console: \(error.errno): what the guest says from here on is lost")
      }
    }
    return 0
  }

  /// Gives the terminal back as a shell is used to it. One that takes nothing is not waited for.
  func leaveTerminal() {
    if let undoing = screen?.undo(returningAtLineFeed: !lineEnds.isOver) { end.output?.offer(undoing) }
  }

  private func waitToWrite() {
    let number = end.output!.number
    do throws(SystemCallError) {
      try loop.add(number, .writable) { [unowned self] _ in
        loop.remove(number)
        isWaitingToWrite = false
        flush()
      }
      isWaitingToWrite = true
    } catch {
      hasLostOutput = true
    }
  }
}
