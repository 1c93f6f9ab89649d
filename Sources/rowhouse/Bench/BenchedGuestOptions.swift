import ArgumentParser
import Host
import Machine

/// The options of a benchmark that say what is started: those of `rowhouse run` that all VMMs have.
struct BenchedGuestOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Virtual CPUs (default: 1).")
  var cpus: String?

  @Option(parsing: .unconditional, help: "Memory, like 512M or 2G (default: 256M).")
  var memory: String?

  @Option(parsing: .unconditional, help: "The initial RAM disk of a Linux kernel.")
  var initrd: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("The kernel's command line.", valueName: "text"))
  var cmdline: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "VMMs, of \(BenchedVMM.names) (default: all but rowhouse-run, rowhouse-unpack and bare).",
      valueName: "vmm,…"))
  var vmm: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What QEMU's -cpu is given, where its `host` is more than KVM here can do.", valueName: "model"))
  var qemuCpu = "host"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("A word on the machine, kept with the results.", valueName: "text"))
  var label: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A folder for results.json and the report with its pictures.", valueName: "folder"))
  var output: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("The longest that a VMM may take.", valueName: "seconds"))
  var limit = "60"

  func limitNanoseconds() throws(ConfigurationError) -> UInt64 {
    let nanoseconds = try Configuration.parseSeconds(limit, option: "--limit")
    guard nanoseconds > 0 else { throw ConfigurationError("--limit \(limit)", "give a time above 0 in seconds") }
    return nanoseconds
  }

  func vmms() throws(ConfigurationError) -> [BenchedVMM] {
    guard let vmm else { return BenchedVMM.usual }
    if vmm.isEmpty { throw ConfigurationError("--vmm \(vmm)", "name one at least of \(BenchedVMM.names)") }
    var vmms: [BenchedVMM] = []
    for name in vmm.split(separator: ",") {
      guard let known = BenchedVMM(rawValue: String(name)) else {
        throw ConfigurationError("--vmm \(name)", "the VMMs are \(BenchedVMM.names)")
      }
      if !vmms.contains(known) { vmms.append(known) }
    }
    return vmms
  }

  /// The guest with a kernel, checked by the rules of `rowhouse run`.
  func guest(_ kernel: String) throws(ConfigurationError) -> BenchedGuest {
    var configuration = Configuration()
    configuration.kernel = kernel
    configuration.initrd = initrd
    if let cpus { configuration.cpuCount = try Configuration.parseCPUs(cpus) }
    if let memory { configuration.memoryBytes = try Configuration.parseMemory(memory) }
    try configuration.check()
    guard configuration.memoryBytes.isMultiple(of: 1 << 20) else {
      throw ConfigurationError(
        "--memory \(ByteSize.format(configuration.memoryBytes))", "other VMMs take whole MiB: give a multiple of 1M")
    }
    // Says at once what each VMM would say in its own way.
    for path in [kernel, initrd].compactMap(\.self) { try Self.requireFile(path) }
    return BenchedGuest(
      kernel: kernel, initrd: initrd, commandLine: cmdline, cpus: configuration.cpuCount,
      memoryBytes: configuration.memoryBytes)
  }

  private static func requireFile(_ path: String) throws(ConfigurationError) {
    do throws(SystemCallError) { _ = try Descriptor.open(path, .readOnly) } catch {
      throw ConfigurationError(path, "it cannot be read: \(error.errno)")
    }
  }
}
