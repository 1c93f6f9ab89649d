import ArgumentParser
import Machine

/// The options of a benchmark that say what is started, and by whom: those of `rowhouse run` that describe a guest, and
/// the benchmark's own.
struct BenchedGuestOptions: ParsableArguments {
  @OptionGroup var machine: GuestOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      VMMs, of \(BenchedVMM.names) (default: all but rowhouse-run and bare); --unpack and --no-unpack are for \
      rowhouse-run, the others take the kernel's file as it is.
      """, valueName: "vmm,…"))
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

  /// The most runs, or guests, that may be asked for.
  static let mostRuns = 1_000_000

  /// Those that are to take part.
  func vmms() throws(ConfigurationError) -> [BenchedVMM] {
    var vmms = BenchedVMM.usual
    if let vmm {
      vmms = []
      for name in vmm.split(separator: ",", omittingEmptySubsequences: false) {
        guard let known = BenchedVMM(rawValue: String(name)) else {
          throw ConfigurationError("--vmm \(vmm)", "no VMM is called \"\(name)\": there are \(BenchedVMM.names)")
        }
        if !vmms.contains(known) { vmms.append(known) }
      }
    }
    if machine.unpack != nil, !vmms.contains(.rowhouseRun) {
      throw ConfigurationError(
        machine.unpack == true ? "--unpack" : "--no-unpack", "only rowhouse-run unpacks kernels: name it with --vmm")
    }
    return vmms
  }

  /// The guest with a kernel, checked by the rules of `rowhouse run`.
  func guest(_ kernel: String) throws(ConfigurationError) -> BenchedGuest {
    try BenchedGuest(machine.makeConfiguration(kernel), isUnpacked: machine.unpack)
  }
}
