import Hardware

/// A guest kernel: what happens between the boot loader and the verdict.
///
///     @main enum Hello: Guest {
///       static func run(_ start: StartInfo) { say("Hello.") }
///     }
///
/// `run` is called on the first processor, in 64-bit mode, with interrupts off and the first 4 GiB of
/// physical memory mapped onto themselves. A guest that returns from it has done what it came for and is
/// powered off.
protocol Guest {
  static func run(_ start: StartInfo)
}

extension Guest {
  /// Where long-mode.S arrives, through the C `main` that the compiler makes of `@main`.
  static func main() {
    SerialPort.configure()
    let start = PhysicalAddress(UInt64(boot_information)).load(as: StartInfo.self)
    expect(start.magic == StartInfo.expectedMagic, "the start info begins with \(hex: UInt64(start.magic))")
    run(start)
    Machine.powerOff()
  }
}
