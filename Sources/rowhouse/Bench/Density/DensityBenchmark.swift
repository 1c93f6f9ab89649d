import Glibc
import Host
import Machine

/// Starts guests one after the other and looks at what all of them take.
struct DensityBenchmark {
  let guest: BenchedGuest
  let vmms: [BenchedVMM]
  let qemuCPU: String
  let guests: Int
  let limitNanoseconds: UInt64
  let label: String?

  /// - Throws: a ``HostError``; an `ExitCode` when it was interrupted.
  func run() throws -> DensityResults {
    let occasion = Occasion(label: label)
    let interruption = try host { () throws(SystemCallError) in try Interruption() }
    defer { interruption.end() }
    let street = BenchedStreet(for: vmms)
    defer { street.close() }
    var missing: [MissingContestant] = []
    let contestants = Contestant.find(vmms, guests: [guest], qemuCPU: qemuCPU, missing: &missing)
    var progress = ProgressBar(total: contestants.count * guests)
    defer { progress.clear() }
    var results: [DensityResults.Contestant] = []
    for contestant in contestants {
      // The first guest of a program reads it from its disk: it is not counted.
      try host { () throws(SystemCallError) in
        _ = try DensityStreet(contestant, or: interruption).start(limitNanoseconds: limitNanoseconds)
      }
      try interruption.check()
      let street = try host { () throws(SystemCallError) in try DensityStreet(contestant, or: interruption) }
      let points = try host { () throws(SystemCallError) in try fill(street, &progress) }
      try interruption.check()
      if let points {
        results.append(
          .init(
            name: contestant.name, version: contestant.version, command: contestant.commandLine, points: points))
      } else {
        missing.append(.init(name: contestant.name, reason: "a guest of it said nothing, or ended"))
      }
    }
    return DensityResults(
      kind: DensityResults.kind, occasion: occasion, host: HostDescription(), kernel: FileDescription(guest.kernel),
      cpus: guest.cpus, memoryBytes: guest.memoryBytes, contestants: results, missing: missing)
  }

  /// From the last start to the look at memory: who gives back what only starting took has done so by then.
  private static let settlingMicroseconds: UInt32 = 1_000_000

  /// - Returns: nil when a guest did not start.
  private func fill(
    _ street: DensityStreet, _ progress: inout ProgressBar
  ) throws(SystemCallError) -> [DensityResults.Point]? {
    var points: [DensityResults.Point] = []
    // Waiting for memory to settle, and looking at it, takes time that no start shall be charged with.
    var spent: UInt64 = 0
    var next = 1
    for count in 1...guests {
      progress.next("\(street.contestant.name), guest \(count)")
      let started = Instant.now
      guard try street.start(limitNanoseconds: limitNanoseconds) else { return nil }
      spent += Instant.now.nanoseconds(since: started)
      guard count == next || count == guests else { continue }
      if count == next { next *= 10 }
      usleep(Self.settlingMicroseconds)
      let memory = try street.memory(guestBytes: guest.memoryBytes)
      points.append(
        .init(
          guests: count, startNanoseconds: spent, guestsPerSecond: Double(count) * 1e9 / Double(spent),
          residentBytesPerGuest: memory.proportional / UInt64(count),
          overheadBytesPerGuest: memory.overhead / UInt64(count)))
    }
    return points
  }
}

/// Guests of one VMM that run at once; they end with this value.
final class DensityStreet {
  let contestant: Contestant
  private var processes: [Int32] = []
  private var consoles: [SharedDescriptor] = []
  private let nothing: SharedDescriptor
  private let loop: EventLoop
  private let limit: TimerFD

  /// - Parameter interruption: what ends the waiting for a guest, too.
  init(_ contestant: Contestant, or interruption: Interruption) throws(SystemCallError) {
    self.contestant = contestant
    loop = try EventLoop()
    limit = try TimerFD()
    nothing = SharedDescriptor(try .open("/dev/null", .readWrite))
    for number in [limit.number, interruption.number] {
      try loop.add(number, .readable) { [unowned self] _ in loop.stop() }
    }
  }

  /// Starts one more, and waits for the first byte of its console.
  ///
  /// - Returns: false when it did not come.
  func start(limitNanoseconds: UInt64) throws(SystemCallError) -> Bool {
    let console = try startVMM()
    limit.arm(at: .now.advanced(byNanoseconds: limitNanoseconds))
    try loop.add(console.number, .readable) { [unowned self] _ in loop.stop() }
    defer { loop.remove(console.number) }
    try loop.run()
    // There is nothing when the VMM has gone, either.
    return console.descriptor.inputWaiting > 0
  }

  /// - Returns: the reading end of its console, whose other end only the VMM has.
  private func startVMM() throws(SystemCallError) -> SharedDescriptor {
    let output = try Pipe()
    let reading = SharedDescriptor(try .duplicate(of: output.reading.number))
    var descriptors = [nothing.number, output.writing.number, nothing.number]
    let meter = SharedDescriptor(try .memory(named: "meter"))
    if contestant.vmm == .rowhouse { descriptors.append(meter.number) }
    let child = try ChildProcess(
      contestant.program, contestant.arguments, descriptors: descriptors, defaults: [SIGPIPE])
    processes.append(child.process)
    consoles.append(reading)
    return reading
  }

  /// Of all that run.
  func memory(guestBytes: UInt64) throws(SystemCallError) -> ResidentMemory {
    var sum = ResidentMemory(smaps: "", guestBytes: guestBytes)
    for process in processes {
      let memory = try ResidentMemory(process: process, guestBytes: guestBytes)
      sum.proportional += memory.proportional
      sum.overhead += memory.overhead
    }
    return sum
  }

  deinit {
    for process in processes { kill(process, SIGKILL) }
    for process in processes { waitpid(process, nil, 0) }
  }
}
