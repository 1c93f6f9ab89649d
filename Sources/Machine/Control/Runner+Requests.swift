import Control
import Host
import Metering

/// What may be asked of a guest that runs, on the I/O thread.
extension Runner {
  /// - Returns: nil when the answer is yet to come.
  func answer(_ request: ControlRequest) -> ControlReply? {
    if request == .awaitEnd { return outcome }
    guard let machine else { return .refused(.notRunning) }
    switch request {
    case .status:
      return .status(GuestStatus(balloon: machine.balloon.map { .init(target: $0.target, actual: $0.actual) }))
    case .powerButton:
      machine.power.pressPowerButton()
      return .done
    case .kill:
      end(.killed)
      return .done
    case .balloon(let target):
      guard let balloon = machine.balloon else { return .refused(.noSuchDevice) }
      guard target.isMultiple(of: Configuration.pageBytes), target < configuration.memoryBytes else {
        return .refused(.outOfRange)
      }
      balloonBytes = target
      balloon.setTarget(target)
      sample()
      return .done
    case .allot(let changes): return allot(changes, machine)
    case .sample:
      sample()
      return .done
    case .consolePlace: return .consolePlace(relay.place)
    case .pause:
      pause(machine)
      return .done
    case .resume:
      resume(machine)
      return .done
    case .memory: return machine.balloon?.requestReport() ?? false ? nil : .refused(.noSuchDevice)
    case .awaitEnd: return nil
    }
  }

  /// Takes all changes or none.
  private func allot(_ changes: [AllotmentChange], _ machine: Machine) -> ControlReply {
    let earlier = allotment
    var wanted = earlier
    do throws(ControlFault) { try wanted.make(changes) } catch { return .refused(error) }
    guard (try? wanted.check(cpuCount: configuration.cpuCount)) != nil else { return .refused(.outOfRange) }
    // A weight is nothing to the VMM itself.
    guard wanted.cpu.weight == nil || controlGroup != nil else { return .refused(.noControlGroup) }
    // What was used up to now was used under what held up to now.
    if wanted != earlier { sample() }
    // The CPUs first: only the host can still refuse something, and only of theirs.
    if wanted.cpu != earlier.cpu {
      do throws(SystemCallError) { try hold(machine, from: earlier.cpu, to: wanted.cpu) } catch {
        try? hold(machine, from: wanted.cpu, to: earlier.cpu)
        if error.errno == .invalidArgument { return .refused(.refusedByHost) }
        StandardError.say("What the guest's CPUs may use cannot be changed: \(error)")
        return .refused(.hostFailed)
      }
      cpuAllotment = wanted.cpu
      meter.setAllotment(wanted.cpu.quota)
    }
    for (device, limits) in wanted.devices.enumerated() where limits != earlier.devices[device] {
      limit(device, to: limits, machine)
    }
    showLimits()
    return .done
  }

  private var allotment: Allotment {
    let limits = limiters.map(\.limits)
    let diskCount = configuration.disks.count
    return Allotment(
      cpu: cpuAllotment, disks: Array(limits.prefix(diskCount)), networks: Array(limits.dropFirst(diskCount)))
  }

  /// What stays as it was is not touched: in a control group it may be its owner's.
  ///
  /// - Throws: what the host's control group does not take, or where the host has no timers.
  private func hold(
    _ machine: Machine, from earlier: CPUAllotment, to allotment: CPUAllotment
  ) throws(SystemCallError) {
    guard let controlGroup else { return try machine.set(allotment.quota) }
    if allotment.quota != earlier.quota { try controlGroup.hold(to: allotment.quota) }
    if let weight = allotment.weight, weight != earlier.weight { try controlGroup.weigh(weight) }
  }

  /// - Parameter device: the disks first, then the network cards.
  private func limit(_ device: Int, to limits: RateLimits, _ machine: Machine) {
    let limiter = limiters[device]
    let now = Instant.now
    for item in RateLimits.Item.all where limits[item] != limiter.limits[item] {
      limiter.set(item, to: limits[item], at: now)
    }
    machine.virtioDevices[device].lookAgain()
  }
}
