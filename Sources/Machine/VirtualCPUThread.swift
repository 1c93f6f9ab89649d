import Devices
import Glibc
import GuestMemory
import Host
import KVM
import Metering
import Synchronization

/// One vCPU and what its thread needs to run it.
final class VirtualCPUThread: Sendable {
  let cpu: VirtualCPU
  private let ports: Bus
  private let memory: Bus
  private let ending: Ending
  private let meter: CPUMeter
  private let throttle: CPUThrottle
  /// CPU time of the threads that ran this vCPU before the last reset, in nanoseconds.
  private let earlierTime: UInt64
  /// The host's CPU that the thread stays on.
  private let pin: Int?
  /// Counts what exits cost; nil: nobody asked for it.
  // SAFETY: the vCPU's thread has it alone while it runs; others ask once the thread has ended.
  nonisolated(unsafe) let profile: ExitProfile?

  /// What other threads ask of this one. They set it, then have the vCPU leave the guest.
  private let request = Atomic<Request>(.none)
  enum Request: UInt8, AtomicRepresentable {
    case none
    case stop
    /// Say whether the vCPU is halted for good.
    case examine
  }

  /// Whether the vCPU is kept from running.
  private let isPaused = Atomic<Bool>(false)

  /// The answer to ``Request/examine``.
  private let examination = Atomic<Examination>(.pending)
  enum Examination: UInt8, AtomicRepresentable {
    case pending, alive, haltedForGood
  }

  init(
    _ cpu: VirtualCPU, ports: Bus, memory: Bus, ending: Ending, meter: CPUMeter, throttle: CPUThrottle, pin: Int?,
    profile: ExitProfile?
  ) {
    self.cpu = cpu
    self.ports = ports
    self.memory = memory
    self.ending = ending
    self.meter = meter
    self.throttle = throttle
    earlierTime = meter.timeRun
    self.pin = pin
    // SAFETY: see the variable.
    unsafe self.profile = profile
  }

  // MARK: On the vCPU's own thread

  /// Runs the vCPU until the guest ends or ``Request/stop`` comes.
  ///
  /// This is the hot path: per exit one switch, one binary search, one device. No allocation, no lock but the device's.
  func run() {
    // SAFETY: this is the thread that the profile belongs to.
    if let profile = unsafe profile { run(profile) } else { run(Unobserved()) }
  }

  /// One loop for each observer, so that a guest that nobody profiles pays nothing for it.
  private func run(_ observer: some ExitObserver) {
    // All but the first wait for a start-up IPI (Intel SDM volume 3, 8.4.3).
    var share = ThrottledCPU(throttle, meter, isAnew: earlierTime > 0, isAsleep: cpu.id > 0)
    guard prepare(&share) else { return finish(&share) }
    while true {
      let exit = cpu.run()
      observer.leave(exit)
      defer { observer.enter() }
      switch exit {
      case .portOut(let port, let size, let count):
        meter.countExit(.portWrite)
        for index in 0..<count {
          ports.write(UInt64(port), size: size, value: UInt64(cpu.portItem(index, size: size)))
        }
      case .portIn(let port, let size, let count):
        meter.countExit(.portRead)
        for index in 0..<count {
          cpu.setPortItem(index, UInt32(truncatingIfNeeded: ports.read(UInt64(port), size: size)), size: size)
        }
      case .memoryRead(let address, let size):
        meter.countExit(.memoryRead)
        cpu.setMemoryValue(memory.read(address, size: size))
      case .memoryWrite(let address, let size, let value):
        meter.countExit(.memoryWrite)
        memory.write(address, size: size, value: value)
      case .interrupted:
        meter.countExit(.interrupted)
        if !obeyRequest() { return finish(&share) }
        waitWhilePaused(&share)
        if !keepQuota(&share) { return finish(&share) }
      case .tripleFault, .systemEvent, .unsupported, .hostError:
        meter.countExit(.other)
        if let verdict = judge(exit) {
          ending.report(verdict)
          return finish(&share)
        }
      }
      if ending.latch.isSet { return finish(&share) }
    }
  }

  /// - Returns: whether the vCPU may run.
  private func prepare(_ share: inout ThrottledCPU) -> Bool {
    do throws(SystemCallError) {
      if let pin { try HostCPU.stay(on: [pin]) }
    } catch {
      StandardError.say("CPU \(cpu.id): it cannot be kept on the host's CPU \(pin ?? 0): \(error.errno)")
      ending.report(.hostFailed)
      return false
    }
    return keepQuota(&share)
  }

  /// Waits while the quota is used up, but for requests.
  ///
  /// - Returns: whether the vCPU goes on.
  private func keepQuota(_ share: inout ThrottledCPU) -> Bool {
    do throws(SystemCallError) {
      try share.settle(cpu) { request.load(ordering: .acquiring) != .none }
      return true
    } catch {
      StandardError.say("CPU \(cpu.id): its quota cannot be kept: \(error)")
      ending.report(.hostFailed)
      return false
    }
  }

  /// Waits while the guest is paused, but for requests: the next run of the vCPU comes back for them.
  private func waitWhilePaused(_ share: inout ThrottledCPU) {
    guard isPaused.load(ordering: .acquiring) else { return }
    while isPaused.load(ordering: .acquiring), request.load(ordering: .acquiring) == .none {
      let never = Instant.now.advanced(byNanoseconds: Self.longestSleep)
      Thread.sleep(until: never, wokenBy: VirtualCPU.kickSignal) {
        !isPaused.load(ordering: .acquiring) || request.load(ordering: .acquiring) != .none
      }
    }
    cpu.excuseAbsence()
    share.excuseSleep()
  }

  /// A day, in nanoseconds: then it sleeps on.
  private static let longestSleep: UInt64 = 86_400_000_000_000

  /// - Returns: whether the vCPU goes on.
  private func obeyRequest() -> Bool {
    cpu.acceptExitRequest()
    // Taken after the exit request is accepted: whoever asks sets the two in the opposite order.
    switch request.exchange(.none, ordering: .acquiringAndReleasing) {
    case .none: return true
    case .stop: return false
    case .examine:
      examination.store(cpu.isHaltedForGood ? .haltedForGood : .alive, ordering: .releasing)
      return true
    }
  }

  /// The exits that end a guest, and those that this machine has no use for.
  private func judge(_ exit: Exit) -> Verdict? {
    switch exit {
    case .tripleFault: return .tripleFault
    case .unsupported(let reason):
      StandardError.say("CPU \(cpu.id): \(cpu.describe(reason))")
      return .unsupported
    case .systemEvent(let type):
      StandardError.say("CPU \(cpu.id): KVM reports the system event \(type), which this machine has no meaning for")
      return .unsupported
    case .hostError(let number):
      StandardError.say("CPU \(cpu.id): KVM_RUN: \(Errno(rawValue: number))")
      return .hostFailed
    case .portIn, .portOut, .memoryRead, .memoryWrite, .interrupted: return nil
    }
  }

  private func finish(_ share: inout ThrottledCPU) {
    let cpuTime = HostClock.threadCPUNanoseconds
    share.end(cpuTime: cpuTime)
    meter.raiseTimeRun(to: earlierTime + cpuTime)
  }

  // MARK: On any other thread

  /// Has the vCPU's thread do something soon, also when it is inside the guest.
  func ask(_ request: Request, of thread: Thread) {
    if request == .examine { examination.store(.pending, ordering: .relaxed) }
    self.request.store(request, ordering: .releasing)
    kick(thread)
  }

  /// Has the vCPU stop soon, or go on.
  func setPaused(_ isPaused: Bool, _ thread: Thread) {
    self.isPaused.store(isPaused, ordering: .releasing)
    kick(thread)
  }

  /// Has the vCPU's thread leave the guest, or its wait, and look at its quota.
  func kick(_ thread: Thread) {
    cpu.requestExit()
    thread.send(signal: VirtualCPU.kickSignal)
  }

  /// CPU time of the vCPU since the guest's first start, in nanoseconds.
  func cpuNanoseconds(_ thread: Thread) -> UInt64 { earlierTime + thread.cpuNanoseconds }

  var lastExamination: Examination { examination.load(ordering: .acquiring) }
}
