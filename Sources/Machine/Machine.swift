import Devices
import GuestMemory
import Host
import KVM
import Metering
import Virtio

/// A guest: memory, devices and vCPUs, as ``MachineBuilder`` leaves them, built and not yet run.
///
/// It belongs to the I/O thread. vCPUs run on threads of their own between ``start()`` and ``stop()``.
package final class Machine {
  // Nobody calls these, but they must live as long as the vCPUs run.
  private let virtualMachine: VirtualMachine
  private let memory: GuestMemory

  let uart: UART16550
  let power: ACPIPower
  let virtioDevices: [MMIOTransport]
  let balloon: MachineBalloon?
  let ending: Ending

  private let cpus: [VirtualCPUThread]
  private let throttle: CPUThrottle
  private var threads: [Thread] = []

  init(
    _ virtualMachine: VirtualMachine, memory: GuestMemory, uart: UART16550, power: ACPIPower,
    virtioDevices: [MMIOTransport], balloon: MachineBalloon?, ending: Ending, cpus: [VirtualCPUThread],
    throttle: CPUThrottle
  ) {
    self.virtualMachine = virtualMachine
    self.memory = memory
    self.uart = uart
    self.power = power
    self.virtioDevices = virtioDevices
    self.balloon = balloon
    self.ending = ending
    self.cpus = cpus
    self.throttle = throttle
  }

  /// Lets the vCPUs run. The first starts at the kernel's entry, the others wait to be woken by it.
  func start() throws(SystemCallError) {
    for cpu in cpus {
      threads.append(try Thread(named: "vcpu\(cpu.cpu.id)") { cpu.run() })
    }
  }

  /// Gets all vCPUs out of the guest and waits for their threads to end.
  func stop() {
    ask(.stop)
    for thread in threads { thread.join() }
    threads = []
  }

  /// The guest's own clock while it is paused, in nanoseconds.
  private var pausedClock: UInt64?
  private(set) var isPaused = false

  /// Keeps all vCPUs from running, from a moment from now on.
  func pause() {
    guard !isPaused else { return }
    isPaused = true
    for (cpu, thread) in zip(cpus, threads) { cpu.setPaused(true, thread) }
    pausedClock = virtualMachine.clockNanoseconds
  }

  /// Lets them go on, with the guest's clock where it was.
  func resume() {
    guard isPaused else { return }
    isPaused = false
    if let pausedClock { virtualMachine.setClock(nanoseconds: pausedClock) }
    for (cpu, thread) in zip(cpus, threads) { cpu.setPaused(false, thread) }
  }

  /// What the vCPUs' exits cost, to be asked after ``stop()``; empty when they were not counted.
  var profiles: [ExitProfile] {
    // SAFETY: the threads that the profiles belong to have ended.
    cpus.compactMap { unsafe $0.profile }
  }

  /// KVM's own counters, the vCPUs' together.
  func statistics() throws(KVMError) -> [KVMStatistic] {
    var sums: [KVMStatistic] = try cpus[0].cpu.statistics()
    for cpu in cpus.dropFirst() {
      for (index, statistic) in try cpu.cpu.statistics().enumerated() { sums[index].value += statistic.value }
    }
    return sums
  }

  /// Has every vCPU say whether it is halted for good; the answers are in ``isHaltedForGood`` a moment later.
  func examine() { ask(.examine) }

  /// Whether every vCPU, when last examined, was halted for good.
  var isHaltedForGood: Bool { cpus.allSatisfy { $0.lastExamination == .haltedForGood } }

  /// CPU time of each vCPU's thread so far, in nanoseconds; nothing when they have been stopped.
  var cpuNanoseconds: [UInt64] { threads.map(\.cpuNanoseconds) }

  /// Changes how much CPU time the vCPUs may use, at once.
  func set(_ quota: CPUQuota?) {
    throttle.set(quota, at: .now)
    for (cpu, thread) in zip(cpus, threads) { cpu.kick(thread) }
  }

  private func ask(_ request: VirtualCPUThread.Request) {
    for (cpu, thread) in zip(cpus, threads) { cpu.ask(request, of: thread) }
  }
}
