import Machine

extension GuestOptions {
  /// The guest that the options describe with a kernel, checked. Its words are `rowhouse-vmm`'s, and so are the errors
  /// about their values.
  ///
  /// - Parameter others: options of `rowhouse-vmm` that are not about the machine, by their names without the dashes.
  func makeConfiguration(
    _ kernel: String, _ others: KeyValuePairs<String, String?> = [:]
  ) throws(ConfigurationError) -> Configuration {
    if cmdline != nil, !commandLine.isEmpty {
      throw ConfigurationError("--cmdline", "the command line is also given after --; one of the two is enough")
    }
    let options: KeyValuePairs = [
      "kernel": kernel, "boot": boot, "load-address": loadAddress, "entry": entry, "initrd": initrd,
      "cmdline": cmdline ?? (commandLine.isEmpty ? nil : commandLine.joined(separator: " ")), "cpus": cpus,
      "memory": memory, "cpu-quota": cpuQuota, "cpu-period": cpuPeriod, "cpu-burst": cpuBurst, "cpu-pin": cpuPin,
      "cgroup": cgroup, "cpu-weight": cpuWeight, "cpu-mask": cpuMask, "console-device": consoleDevice,
      "balloon": balloon, "memory-max": memoryMax, "entropy": entropy ? "yes" : nil,
    ]
    let words = (Array(options) + Array(others)).flatMap { key, value in value.map { ["--" + key, $0] } ?? [] }
    let repeatable: KeyValuePairs = ["module": modules, "disk": disks, "net": networks]
    let repeated = repeatable.flatMap { key, values in values.flatMap { ["--" + key, $0] } }
    let configuration = try Configuration(arguments: words + repeated)
    try configuration.check()
    if unpack == true, let bootProtocol = configuration.bootProtocol, bootProtocol.bootsBzImagesAsTheyAre {
      throw ConfigurationError(
        "--unpack", "--boot \(bootProtocol.rawValue) boots a kernel's file as it is; one of the two is enough")
    }
    return configuration
  }
}
