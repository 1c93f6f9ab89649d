import Devices
import GuestMemory
import Host
import KVM
import Metering
import Virtio

/// A guest: memory, devices and vCPUs, as ``MachineBuilder`` leaves them, built and not yet run. KVM may still be
/// making its part.
///
/// It belongs to the I/O thread. vCPUs run on threads of their own between ``start()`` and ``stop()``.
package final class Machine {
  // It must live as long as the vCPUs run, and so must the machine in KVM, which is there from the start on.
  private let memory: GuestMemory
  private var virtualMachine: VirtualMachine?

  let uart: UART16550
  /// Nil: the guest has no virtio console.
  let consoleLine: ConsoleLine?
  let power: ACPIPower
  let virtioDevices: [MMIOTransport]
  let balloon: MachineBalloon?
  let ending: Ending

  private let bootstrap: BootstrapThread
  private let guest: BootstrapThread.Guest
  private var cpus: [VirtualCPUThread] = []
  private var threads: [Thread] = []

  init(
    _ bootstrap: BootstrapThread, _ guest: BootstrapThread.Guest, memory: GuestMemory, uart: UART16550,
    consoleLine: ConsoleLine?, power: ACPIPower, virtioDevices: [MMIOTransport], balloon: MachineBalloon?
  ) {
    self.bootstrap = bootstrap
    self.guest = guest
    self.memory = memory
    self.uart = uart
    self.consoleLine = consoleLine
    self.power = power
    self.virtioDevices = virtioDevices
    self.balloon = balloon
    ending = guest.ending
  }

  /// Lets the vCPUs run. The first starts at the kernel's entry, the others wait to be woken by it.
  ///
  /// - Throws: when KVM could not make the machine, too, which it does while the rest is built.
  func start() throws(MachineError) {
    let product: BootstrapThread.Product
    do throws(KVMError) { product = try bootstrap.start(guest) } catch { throw .kvm(error) }
    virtualMachine = product.virtualMachine
    cpus = product.cpus
    threads = [product.thread]
    for cpu in cpus.dropFirst() {
      threads.append(try host { () throws(SystemCallError) in try Thread(named: "vcpu\(cpu.cpu.id)") { cpu.run() } })
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
    pausedClock = virtualMachine?.clockNanoseconds
  }

  /// Lets them go on, with the guest's clock where it was.
  func resume() {
    guard isPaused else { return }
    isPaused = false
    if let pausedClock { virtualMachine?.setClock(nanoseconds: pausedClock) }
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

  /// Whether a vCPU, when last examined, was not.
  var isAlive: Bool { cpus.contains { $0.lastExamination == .alive } }

  /// CPU time of each vCPU so far, over all resets, in nanoseconds; nothing when they have been stopped.
  var cpuNanoseconds: [UInt64] { zip(cpus, threads).map { $0.cpuNanoseconds($1) } }

  /// Changes how much CPU time the vCPUs may use, at once.
  ///
  /// - Throws: where the host has no timers left for a guest that had no quota; then nothing is changed.
  func set(_ quota: CPUQuota?) throws(SystemCallError) {
    if guest.throttle.isReachable(quota), !guest.throttle.isInForce { try ThrottledCPU.checkTimers(cpuCount: cpus.count) }
    guest.throttle.set(quota, at: .now)
    kick()
  }

  /// Settles now what the vCPUs have used of their quota, if there is one.
  ///
  /// A vCPU that has hardly used anything since is left asleep.
  func settleQuota() {
    guard guest.throttle.isInForce else { return }
    let used = cpuNanoseconds
    if settled.count != used.count { settled = used.map { _ in 0 } }
    for index in used.indices where used[index] > settled[index] + CPUThrottle.negligible {
      settled[index] = used[index]
      cpus[index].kick(threads[index])
    }
  }

  /// CPU time of each vCPU when it last settled by ``settleQuota()``, in nanoseconds.
  private var settled: [UInt64] = []

  /// Has every vCPU's thread look at its quota.
  private func kick() {
    for (cpu, thread) in zip(cpus, threads) { cpu.kick(thread) }
  }

  private func ask(_ request: VirtualCPUThread.Request) {
    for (cpu, thread) in zip(cpus, threads) { cpu.ask(request, of: thread) }
  }
}
