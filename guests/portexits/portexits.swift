import Hardware

/// A benchmark: `count=` byte writes (a million without it) to a register that only stores, in a loop of
/// two instructions, so that the time is that of the way from the guest to the device and back.
@main enum PortExits: Guest {
  static func run(_ start: StartInfo) {
    let count = start.options.number("count") ?? 1_000_000
    expect(count > 0, "count= has to be at least 1")
    let before = rdtsc()
    outb_repeatedly(SerialPort.scratchPort, count)
    let after = rdtsc()
    say("\(count) exits from TSC \(before) to \(after), \((after - before) / count) each")
  }
}
