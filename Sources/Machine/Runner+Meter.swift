import Host
import KVM
import Metering

/// What is written down of a guest: its meter, brought up to date when there is a reason to, and what its exits cost.
extension Runner {
  /// Takes a sample when the guest has just begun: at once, it would keep the guest's first words waiting.
  func sampleSoon() throws(SystemCallError) {
    try loop.add(alarm.number, .readable) { [unowned self] _ in
      alarm.acknowledge()
      sample()
    }
    alarm.arm(at: .now.advanced(byNanoseconds: Self.firstSample))
  }

  /// From the guest's start to the first sample, in nanoseconds.
  private static let firstSample: UInt64 = 20_000_000

  /// Brings the meter up to date.
  ///
  /// - Returns: the CPU time of each vCPU's thread, in nanoseconds.
  @discardableResult
  func sample() -> [UInt64] {
    var cpuTimes: [UInt64] = []
    let resident = sampler?.sample {
      cpuTimes = machine?.cpuNanoseconds ?? []
      return cpuTimes
    } ?? 0
    if let nanoseconds = controlGroup?.throttledNanoseconds { meter.setHostThrottled(nanoseconds: nanoseconds) }
    tapDrops?.count(in: meter)
    showBudgets()
    if let balloon = machine?.balloon {
      if machine?.isPaused ?? false { memoryLimit?.standStill() } else { keepMemoryLimit(resident, balloon) }
      meter.setBalloon(target: balloon.target, actual: balloon.actual)
    }
    return cpuTimes
  }

  private func keepMemoryLimit(_ resident: UInt64, _ balloon: MachineBalloon) {
    let most = configuration.memoryBytes - Configuration.memoryLimits.lowerBound
    let target = memoryLimit?.target(
      resident: resident, target: balloon.target, actual: balloon.actual, least: balloonBytes, most: most, at: .now)
    if let target { balloon.setTarget(target) }
    if memoryLimit?.isInVain ?? false { end(.memoryLimit) }
  }

  /// Writes into the meter what may go through disks and network cards.
  func showLimits() {
    for index in configuration.disks.indices { meter.disk(index).show(limiters[index].limits) }
    for index in configuration.networks.indices {
      meter.network(index).show(limiters[configuration.disks.count + index].limits)
    }
    showBudgets()
  }

  private func showBudgets() {
    for index in configuration.disks.indices { meter.disk(index).show(budgetUsedUp: limiters[index].isExhausted) }
    for index in configuration.networks.indices {
      meter.network(index).show(budgetUsedUp: limiters[configuration.disks.count + index].isExhausted)
    }
  }

  /// Passes on what the guest's kernel says of its memory.
  func listenToBalloon(of machine: Machine) throws(SystemCallError) {
    guard let balloon = machine.balloon else { return }
    try loop.add(balloon.reportCame.number, .readable) { [unowned self] _ in
      balloon.reportCame.drain()
      control?.settle(.memory, .memory(balloon.report))
    }
  }

  func writeProfile(of machine: Machine) throws(MachineError) {
    guard let profileFile else { return }
    let statistics: [KVMStatistic]
    do throws(KVMError) { statistics = try machine.statistics() } catch { throw .kvm(error) }
    try host { () throws(SystemCallError) in try profileFile.write(machine.profiles, statistics) }
  }
}
