import Boot
import Devices

extension Layout {
  /// The machine as its firmware tables describe it.
  static func platform(cpuCount: Int, virtioDevices: [Platform.VirtioDevice]) -> Platform {
    Platform(
      apicIDs: (0..<cpuCount).map(UInt32.init),
      localAPICAddress: UInt32(localAPIC.first.rawValue),
      ioAPICAddress: UInt32(ioAPIC.first.rawValue),
      ioAPICID: 0,
      timerPin: 0,  // KVM's own routing connects interrupt n to pin n, 0 included
      serialPorts: [.init(port: serial.first, irq: UInt8(serialInterrupt))],
      power: .init(
        eventPort: power.first + UInt16(ACPIPower.eventOffset),
        controlPort: power.first + UInt16(ACPIPower.controlOffset),
        timerPort: power.first + UInt16(ACPIPower.timerOffset),
        sci: UInt8(systemControlInterrupt), sleepTypeS5: ACPIPower.powerOffSleepType),
      reset: .init(port: reset.first, value: ResetControl.resetValue),
      rtcPort: clock.first, rtcCenturyIndex: CMOSClock.centuryIndex,
      panicPort: panic.first,
      virtioDevices: virtioDevices)
  }
}
