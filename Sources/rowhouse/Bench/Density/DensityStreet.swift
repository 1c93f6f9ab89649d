import Glibc
import Host
import Machine

/// Guests of one VMM that run at once; they end with this value.
final class DensityStreet {
  let contestant: Contestant
  private var guests: [Guest] = []
  private let nothing: SharedDescriptor
  /// What all of them say on their standard error: who fails does so last.
  private let errors: SharedDescriptor
  private let loop: EventLoop
  private let limit: TimerFD
  private var isOutOfTime = false

  /// - Parameter interruption: what ends the waiting for a guest, too.
  init(_ contestant: Contestant, or interruption: Interruption) throws(SystemCallError) {
    self.contestant = contestant
    loop = try EventLoop()
    limit = try TimerFD()
    nothing = SharedDescriptor(try .open("/dev/null", .readWrite))
    errors = SharedDescriptor(try .memory(named: "errors"))
    try loop.add(limit.number, .readable) { [unowned self] _ in
      isOutOfTime = true
      loop.stop()
    }
    try loop.add(interruption.number, .readable) { [unowned self] _ in loop.stop() }
  }

  /// Starts one more, and waits for the first byte of its console.
  ///
  /// - Returns: why that did not come, in one line; nil: it did.
  func start(limitNanoseconds: UInt64) throws(SystemCallError) -> String? {
    let guest = try startVMM()
    limit.arm(at: .now.advanced(byNanoseconds: limitNanoseconds))
    try wait(for: guest.console.number)
    if guest.console.descriptor.inputWaiting > 0 { return nil }
    // The console's other end was closed, by a VMM that ends, unless what else ends the waiting has come: it does so
    // again.
    let handle = try ProcessHandle(guest.vmm.process)
    try wait(for: handle.number)
    if isOutOfTime { return "a guest of it said nothing in \(TimeSpan.format(limitNanoseconds)), the --limit" }
    return try endReason() ?? "a guest of it said nothing"
  }

  /// Returns when a descriptor is readable, the limit is over, or somebody wants an end.
  private func wait(for number: Int32) throws(SystemCallError) {
    try loop.add(number, .readable) { [unowned self] _ in loop.stop() }
    defer { loop.remove(number) }
    try loop.run()
  }

  private func startVMM() throws(SystemCallError) -> Guest {
    let output = try Pipe()
    let console = SharedDescriptor(try .duplicate(of: output.reading.number))
    var descriptors = [nothing.number, output.writing.number, errors.number]
    let meter = SharedDescriptor(try .memory(named: "meter"))
    if contestant.vmm == .rowhouse { descriptors.append(meter.number) }
    let vmm = try ChildProcess(
      contestant.program, contestant.arguments, descriptors: descriptors, defaults: [SIGPIPE])
    let guest = Guest(vmm, console)
    guests.append(guest)
    return guest
  }

  /// Why they do not all run, in one line; nil: they do.
  func endReason() throws(SystemCallError) -> String? {
    for guest in guests {
      guard let end = try guest.collect() else { continue }
      return try end == .exited(status: 0)
        ? "a guest of it ended, and all have to stay" : end.reason(errors.descriptor)
    }
    return nil
  }

  /// Of each that runs.
  func memory(_ tree: ProcessTree, guestBytes: UInt64) throws(ResidentMemory.Fault) -> [ResidentMemory] {
    try guests.map { guest throws(ResidentMemory.Fault) in
      try ResidentMemory(of: tree.processes(from: guest.vmm.process), guestBytes: guestBytes)
    }
  }

  deinit {
    for guest in guests { guest.kill() }
  }

  /// One guest's VMM, which ends with this value.
  private final class Guest {
    let vmm: ChildProcess
    /// The reading end of its console, whose other end only the VMM has.
    let console: SharedDescriptor
    private var end: ChildProcess.End?

    init(_ vmm: consuming ChildProcess, _ console: SharedDescriptor) {
      self.vmm = vmm
      self.console = console
    }

    /// How it ended, nil while it runs.
    func collect() throws(SystemCallError) -> ChildProcess.End? {
      if end == nil { end = try vmm.collect()?.end }
      return end
    }

    func kill() { if end == nil { vmm.send(SIGKILL) } }

    deinit {
      kill()
      if end == nil { waitpid(vmm.process, nil, 0) }
    }
  }
}
