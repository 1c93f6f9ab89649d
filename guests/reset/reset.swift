/// Says that it booted, then resets the machine in the way `via=` names: `i8042` (without the option),
/// `cf9` or `acpi`.
@main enum Reset: Guest {
  static func run(_ start: StartInfo) {
    guard let way = start.options.value(of: "via") else {
      say("booted, resetting via=i8042")
      Machine.resetByKeyboardController()
    }
    say("booted, resetting via=\(way)")
    if way == "i8042" { Machine.resetByKeyboardController() }
    if way == "cf9" { Machine.resetByControlRegister() }
    expect(way == "acpi", "via= wants i8042, cf9 or acpi")
    guard let rsdp = start.rsdp else { fail("there are no ACPI tables") }
    Machine.reset(by: ACPITables(rsdp: rsdp).resetRegister())
  }
}
