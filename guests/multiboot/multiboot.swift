import Hardware

/// Tells what a Multiboot 1 loader handed over (Multiboot Specification 0.6.96, 3.3), the modules with
/// their first bytes.
@main enum Multiboot {
  static func main() {
    SerialPort.configure()
    say("Hello from a Multiboot kernel.")
    let magic: UInt32 = 0x2bad_b002
    expect(boot_magic == magic, "EAX is \(hex: UInt64(boot_magic)), not what a Multiboot loader puts there")
    let information = PhysicalAddress(UInt64(boot_information)).load(as: Information.self)
    say("flags \(hex: UInt64(information.flags))")
    if let memory = information.memory {
      say("memory: \(memory.lower) KiB below 1 MiB, \(memory.upper) KiB above")
    }
    if let name = information.bootLoaderName { say("boot loader: \(name)") }
    if let text = information.commandLine { say("command line: \(text)") }
    for module in information.modules {
      let beginning = PhysicalText(start: module.address, count: min(module.size, 16))
      say("module at \(hex: module.address.rawValue), \(module.size) bytes: \(module.text)")
      say("  begins with \(quoted: beginning)")
    }
    expect(information.has(.memoryMap), "there is no memory map")
    information.forEachMemoryRange { range in
      sayMemory(from: range.address, size: range.size, kind: range.kind)
    }
    Machine.powerOff()
  }
}
