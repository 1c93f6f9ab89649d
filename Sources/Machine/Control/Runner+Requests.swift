import Control
import Host
import Metering

/// What may be asked of a guest that runs, on the I/O thread.
extension Runner {
  /// - Returns: nil when the answer is yet to come.
  func answer(_ request: ControlRequest) -> ControlReply? {
    if request == .awaitEnd { return nil }
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
    case .allot(let item, let value): return allot(item, value, machine)
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

  private func allot(_ item: AllotmentItem, _ value: UInt64, _ machine: Machine) -> ControlReply {
    switch item.group {
    case .cpu: return allotCPU(item.item, value, machine)
    case .disk:
      guard Int(item.index) < configuration.disks.count else { return .refused(.noSuchDevice) }
      return allot(item, value, device: Int(item.index), machine)
    case .network:
      guard Int(item.index) < configuration.networks.count else { return .refused(.noSuchDevice) }
      return allot(item, value, device: configuration.disks.count + Int(item.index), machine)
    }
  }

  private func allotCPU(_ item: UInt8, _ value: UInt64, _ machine: Machine) -> ControlReply {
    var changed = cpuAllotment
    switch AllotmentItem.CPUItem(rawValue: item) {
    case .quota: changed.quotaBasisPoints = value == 0 ? nil : value
    case .period: changed.periodNanoseconds = value
    case .burst: changed.burstNanoseconds = value
    case .weight: changed.weight = value
    case nil: return .refused(.unknownRequest)
    }
    if AllotmentItem.CPUItem(rawValue: item) == .quota, value == 0 {
      // They are nothing without it, and are not taken without it.
      (changed.periodNanoseconds, changed.burstNanoseconds) = (CPUQuota.defaultPeriod, 0)
    }
    // A weight is nothing to the VMM itself.
    guard (try? changed.check(cpuCount: configuration.cpuCount)) != nil, changed.weight == nil || controlGroup != nil
    else { return .refused(.outOfRange) }
    sample()
    do throws(SystemCallError) { try hold(machine, from: cpuAllotment, to: changed) } catch {
      try? hold(machine, from: changed, to: cpuAllotment)
      return .refused(.outOfRange)
    }
    cpuAllotment = changed
    meter.setAllotment(changed.quota)
    return .done
  }

  /// What stays as it was is not touched: in a control group it may be its owner's.
  ///
  /// - Throws: what the host's control group does not take.
  private func hold(
    _ machine: Machine, from earlier: CPUAllotment, to allotment: CPUAllotment
  ) throws(SystemCallError) {
    guard let controlGroup else { return machine.set(allotment.quota) }
    if allotment.quota != earlier.quota { try controlGroup.hold(to: allotment.quota) }
    if let weight = allotment.weight, weight != earlier.weight { try controlGroup.weigh(weight) }
  }

  /// - Parameter device: the disks first, then the network cards.
  private func allot(_ item: AllotmentItem, _ value: UInt64, device: Int, _ machine: Machine) -> ControlReply {
    guard RateLimits.Item.all.indices.contains(Int(item.item)) else { return .refused(.unknownRequest) }
    let limiter = limiters[device]
    let number = RateLimits.Item.all[Int(item.item)]
    if case .burst(let quantity) = number, limiter.limits[.rate(quantity)] == nil { return .refused(.outOfRange) }
    limiter.set(number, to: value == 0 ? nil : value, at: .now)
    if case .rate(let quantity) = number, value == 0 { limiter.set(.burst(quantity), to: nil, at: .now) }
    showLimits()
    machine.virtioDevices[device].lookAgain()
    return .done
  }
}
