/// Greets, and says what the boot loader handed over.
@main enum Hello: Guest {
  static func run(_ start: StartInfo) {
    say("Hello from a guest kernel.")
    say("start info version \(start.version)")
    say("command line: \(start.options.text)")
    if let rsdp = start.rsdp { say("ACPI root pointer at \(hex: rsdp.rawValue)") }
    expect(start.memoryMap.count > 0, "there is no memory map")
    for range in start.memoryMap {
      sayMemory(from: range.address, size: range.size, kind: range.kind)
    }
    for module in start.modules {
      say("module at \(hex: module.address), \(module.size) bytes: \(module.commandLine)")
    }
  }
}
