import Boot

extension Platform {
  /// A machine with a device of each kind.
  package static func test(apicIDs: [UInt32] = [0, 1]) -> Platform {
    Platform(
      apicIDs: apicIDs, localAPICAddress: 0xfee0_0000, ioAPICAddress: 0xfec0_0000, ioAPICID: 1, timerPin: 2,
      serialPorts: [.init(port: 0x3f8, irq: 4)],
      power: .init(eventPort: 0x600, controlPort: 0x604, timerPort: 0x608, sci: 9, sleepTypeS5: 5),
      reset: .init(port: 0xcf9, value: 6), rtcPort: 0x70, rtcCenturyIndex: 0x32, panicPort: 0x505,
      virtioDevices: [
        .init(window: 0xfeb0_0000, count: 0x200, interrupt: 5),
        .init(window: 0xfeb0_0200, count: 0x200, interrupt: 23),
      ])
  }
}
