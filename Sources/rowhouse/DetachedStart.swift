import Glibc
import Host
import Machine
import Metering

/// Starts a guest that goes on when this program has ended.
final class DetachedStart {
  private let vmm: ChildProcess
  /// What the VMM says until its guest runs; it ends then.
  private let messages: SharedDescriptor
  private let meter: SharedDescriptor
  /// Those that would leave a guest behind that nobody was told of.
  private let signals: SignalFD

  /// How long a VMM that was asked to end may take, in nanoseconds.
  private static let patience: UInt64 = 2_000_000_000

  /// Starts the VMM of a guest whose folder is in the configuration.
  ///
  /// - Parameter kernel: what was unpacked of the kernel; nil: nothing.
  /// - Throws: when no VMM was started.
  init(_ configuration: Configuration, meter: SharedDescriptor, kernel: SharedDescriptor?) throws(HostError) {
    var configuration = configuration
    configuration.isDetached = true
    self.meter = meter
    let program = try VMMProgram()
    let nothing: SharedDescriptor
    // The VMM's end of the pipe, which is closed here when this function returns.
    let errors: SharedDescriptor
    do throws(SystemCallError) {
      signals = try SignalFD(TerminalKeeper.endingSignals)
      try signals.collect()
      nothing = SharedDescriptor(try .open("/dev/null", .readWrite))
      let pipe = try Pipe()
      messages = SharedDescriptor(try .duplicate(of: pipe.reading.number))
      errors = SharedDescriptor(try .duplicate(of: pipe.writing.number))
    } catch {
      throw HostError(error)
    }
    vmm = try program.start(
      configuration, streams: [nothing.number, nothing.number, errors.number], meter: meter, kernel: kernel,
      isTied: false)
  }

  /// Waits until the guest runs, and passes on what its VMM has to say meanwhile. A signal ends them.
  ///
  /// - Returns: nil when it runs, or ran; else the exit status: that of a VMM that has said why it does not, or 128 and
  ///   the signal's number, with the VMM gone.
  /// - Throws: with the VMM gone. Its guest may have run.
  func wait() throws(HostError) -> Int32? {
    do throws(SystemCallError) {
      if let signal = try passOnMessages() {
        vmm.end(within: Self.patience)
        return 128 + signal
      }
      let state = try MeterReading(of: meter.descriptor)?.state
      if let state, state.isLive || state == .ended { return nil }
      // The pipe of a VMM that ends is closed a moment before its end can be collected.
      while true {
        guard let collected = try vmm.collect() else {
          usleep(1000)
          continue
        }
        if case .exited(let status) = collected.end { return status }
        break
      }
    } catch {
      // Nobody would be told the guest's name.
      vmm.end(within: Self.patience)
      throw HostError(error)
    }
    throw HostError("the VMM ended before its guest ran")
  }

  /// - Returns: nil when the VMM has said all, or else the signal that came first.
  private func passOnMessages() throws(SystemCallError) -> Int32? {
    let errors = try Descriptor.duplicate(of: STDERR_FILENO)
    let loop = try EventLoop()
    var interruption: Int32?
    try loop.add(signals.number, .readable) { [unowned self] _ in
      interruption = signals.next()
      if interruption != nil { loop.stop() }
    }
    try loop.add(messages.number, .readable) { [unowned self] _ in
      let bytes = (try? messages.descriptor.read(atMost: 4096)) ?? []
      try? errors.writeAll(bytes)
      if bytes.isEmpty { loop.stop() }
    }
    try loop.run()
    return interruption
  }
}
