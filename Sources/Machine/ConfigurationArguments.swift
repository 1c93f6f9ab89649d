import Boot
import GuestMemory
import Host
import KVM

// A configuration as plain `--key value` arguments: what `ps` shows, and what a shell script can write by hand.

extension Configuration {
  private enum Key: String, CaseIterable {
    case kernel, unpackedKernel = "unpacked-kernel", boot, loadAddress = "load-address", entry, initrd, module, cmdline, cpus, memory
    case cpuQuota = "cpu-quota", cpuPeriod = "cpu-period", cpuBurst = "cpu-burst", cpuPin = "cpu-pin"
    case cpuWeight = "cpu-weight", cgroup
    case memoryMax = "memory-max"
    case cpuMask = "cpu-mask", console, consoleDevice = "console-device", disk, net, balloon, entropy, timeout
    case onReset = "on-reset", meter, folder
    case consoleLog = "console-log", exitProfile = "exit-profile"
    case detach, endWithParent = "end-with-parent"
  }

  /// The arguments that ``init(arguments:)`` makes this configuration from. Defaults are left out.
  package var arguments: [String] {
    var arguments: [String] = []
    func add(_ key: Key, _ value: String?) {
      if let value { arguments += ["--" + key.rawValue, value] }
    }
    let defaults = Configuration()
    add(.kernel, kernel)
    add(.unpackedKernel, unpackedKernel)
    add(.boot, bootProtocol?.rawValue)
    add(.loadAddress, loadAddress?.description)
    add(.entry, entry?.description)
    add(.initrd, initrd)
    for module in modules { add(.module, module.text.isEmpty ? module.path : "\(module.path) \(module.text)") }
    add(.cmdline, commandLine)
    add(.cpus, cpuCount == defaults.cpuCount ? nil : String(cpuCount))
    add(.memory, memoryBytes == defaults.memoryBytes ? nil : ByteSize.format(memoryBytes))
    add(.cpuQuota, cpuAllotment.quotaBasisPoints.map(Percentage.format))
    let allotment = defaults.cpuAllotment
    func span(_ value: UInt64, _ usual: UInt64) -> String? { value == usual ? nil : TimeSpan.format(value) }
    add(.cpuPeriod, span(cpuAllotment.periodNanoseconds, allotment.periodNanoseconds))
    add(.cpuBurst, span(cpuAllotment.burstNanoseconds, allotment.burstNanoseconds))
    let pins = cpuAllotment.pinnedCPUs
    add(.cpuPin, pins.isEmpty ? nil : pins.map(String.init).joined(separator: ","))
    add(.cpuWeight, cpuAllotment.weight?.description)
    add(.cgroup, controlGroup)
    add(.cpuMask, hiddenFeatures.isEmpty ? nil : hiddenFeatures.map(\.name).joined(separator: ","))
    add(.console, console == defaults.console ? nil : console.description)
    add(.consoleDevice, consoleDevice == defaults.consoleDevice ? nil : consoleDevice.rawValue)
    for disk in disks { add(.disk, disk.description) }
    for network in networks { add(.net, network.description) }
    add(.balloon, balloonBytes.map(ByteSize.format))
    add(.memoryMax, memoryLimitBytes.map(ByteSize.format))
    add(.entropy, hasEntropy ? "yes" : nil)
    add(.timeout, timeoutNanoseconds.map(Self.formatSeconds))
    add(.onReset, onReset == defaults.onReset ? nil : onReset.rawValue)
    add(.meter, meter)
    add(.exitProfile, exitProfile)
    add(.folder, folder)
    add(.consoleLog, consoleLogBytes.map(ByteSize.format))
    add(.detach, isDetached ? "yes" : nil)
    add(.endWithParent, endsWithParent ? "yes" : nil)
    return arguments
  }

  /// Reads `--key value` pairs. What they say together is checked by ``check()``.
  package init(arguments: [String]) throws(ConfigurationError) {
    var iterator = arguments.makeIterator()
    while let word = iterator.next() {
      // Not by init(rawValue:), which builds a dictionary of so many cases to look one up.
      guard let key = Key.allCases.first(where: { "--" + $0.rawValue == word }) else {
        let known = Key.allCases.map { "--" + $0.rawValue }.joined(separator: " ")
        throw ConfigurationError(word, "not an option; there are: \(known)")
      }
      guard let value = iterator.next() else { throw ConfigurationError(word, "a value is missing after it") }
      try set(key, value)
    }
  }

  private mutating func set(_ key: Key, _ value: String) throws(ConfigurationError) {
    let option = "--" + key.rawValue
    switch key {
    case .kernel: kernel = value
    case .unpackedKernel: unpackedKernel = value
    case .boot: bootProtocol = try Self.parseBoot(value)
    case .loadAddress: loadAddress = try Self.parseAddress(value, option: option)
    case .entry: entry = try Self.parseAddress(value, option: option)
    case .initrd: initrd = value
    case .module: modules.append(Module(argument: value))
    case .cmdline: commandLine = value
    case .cpus: cpuCount = try Self.parseCPUs(value)
    case .memory: memoryBytes = try Self.parseMemory(value)
    case .cpuQuota:
      cpuAllotment.quotaBasisPoints = try CPUAllotment.parseQuota(value, option: "\(option) \(value)")
    case .cpuPeriod:
      cpuAllotment.periodNanoseconds = try CPUAllotment.parseSpan(value, option: "\(option) \(value)")
    case .cpuBurst: cpuAllotment.burstNanoseconds = try CPUAllotment.parseSpan(value, option: "\(option) \(value)")
    case .cpuWeight: cpuAllotment.weight = try CPUAllotment.parseWeight(value, option: "\(option) \(value)")
    case .cgroup: controlGroup = value
    case .cpuPin: cpuAllotment.pinnedCPUs = try CPUAllotment.parseCPUs(value, option: "\(option) \(value)")
    case .cpuMask: hiddenFeatures = try Self.parseFeatures(value)
    case .console: console = try Console(argument: value)
    case .consoleDevice:
      guard let device = ConsoleDevice(rawValue: value) else {
        throw ConfigurationError("\(option) \(value)", "it is serial or virtio")
      }
      consoleDevice = device
    case .timeout: timeoutNanoseconds = try Self.parseSeconds(value, option: option)
    case .onReset:
      guard let action = OnReset(rawValue: value) else {
        throw ConfigurationError("\(option) \(value)", "it is exit or reset")
      }
      onReset = action
    case .meter: meter = value
    case .exitProfile: exitProfile = value
    case .folder: folder = value
    case .consoleLog: consoleLogBytes = try Self.parseConsoleLog(value)
    case .disk: disks.append(try DiskConfiguration(argument: value))
    case .net: networks.append(try NetworkConfiguration(argument: value))
    case .memoryMax:
      guard let bytes = ByteSize.parse(value) else {
        throw ConfigurationError("\(option) \(value)", "give a size like 128M")
      }
      memoryLimitBytes = bytes
    case .balloon:
      guard let bytes = ByteSize.parse(value) else {
        throw ConfigurationError("\(option) \(value)", "give a size like 128M; 0M takes only what is free")
      }
      balloonBytes = bytes
    case .entropy: hasEntropy = try Self.parseAnswer(value, option: option)
    case .detach: isDetached = try Self.parseAnswer(value, option: option)
    case .endWithParent: endsWithParent = try Self.parseAnswer(value, option: option)
    }
  }
}

// What `rowhouse` reads too.
extension Configuration {
  private static func parseAnswer(_ text: String, option: String) throws(ConfigurationError) -> Bool {
    guard text == "yes" || text == "no" else { throw ConfigurationError("\(option) \(text)", "it is yes or no") }
    return text == "yes"
  }

  package static func parseBoot(_ text: String) throws(ConfigurationError) -> BootProtocol {
    guard let bootProtocol = BootProtocol(rawValue: text) else {
      let known = BootProtocol.allCases.map(\.rawValue).joined(separator: ", ")
      throw ConfigurationError("--boot \(text)", "the boot protocols are \(known)")
    }
    return bootProtocol
  }

  package static func parseConsoleLog(_ text: String) throws(ConfigurationError) -> UInt64 {
    guard let bytes = ByteSize.parse(text) else {
      throw ConfigurationError("--console-log \(text)", "give a size like 16M")
    }
    return bytes
  }

  package static func parseCPUs(_ text: String) throws(ConfigurationError) -> Int {
    guard let count = Int(text) else { throw ConfigurationError("--cpus \(text)", "give a number of CPUs") }
    return count
  }

  package static func parseMemory(_ text: String) throws(ConfigurationError) -> UInt64 {
    if let bytes = ByteSize.parse(text) { return bytes }
    let reason =
      UInt64(text) ?? 0 > 0
      ? "a unit is missing: \(text)M is \(text) MiB, \(text)G is \(text) GiB" : "give a size like 512M or 2G"
    throw ConfigurationError("--memory \(text)", reason)
  }

  package static func parseFeatures(_ text: String) throws(ConfigurationError) -> [CPUFeature] {
    var features: [CPUFeature] = []
    for name in text.split(separator: ",") {
      guard let feature = CPUFeature(named: String(name)) else {
        throw ConfigurationError("--cpu-mask \(name)", "no CPU feature of that name; use those of /proc/cpuinfo")
      }
      features.append(feature)
    }
    return features
  }

  /// Reads an address, decimal or hexadecimal with 0x.
  package static func parseAddress(_ text: String, option: String) throws(ConfigurationError) -> GuestAddress {
    let value = text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    guard let value else { throw ConfigurationError("\(option) \(text)", "give an address like 0x7c00") }
    return GuestAddress(value)
  }

  /// Reads seconds with an optional fraction, to nanoseconds; at most a hundred years.
  package static func parseSeconds(_ text: String, option: String) throws(ConfigurationError) -> UInt64 {
    guard let seconds = Double(text), seconds >= 0, seconds <= 3_155_760_000 else {
      throw ConfigurationError("\(option) \(text)", "give a time in seconds, like 2.5")
    }
    return UInt64((seconds * 1e9).rounded())
  }

  /// ``parseSeconds(_:option:)`` turned round.
  static func formatSeconds(_ nanoseconds: UInt64) -> String {
    let fraction = String(nanoseconds % 1_000_000_000 + 1_000_000_000).dropFirst()
    return "\(nanoseconds / 1_000_000_000).\(fraction)"
  }
}

extension Configuration.Module {
  /// "PATH" or "PATH TEXT": what is after the first space is the module's text, as in a multiboot loader's menu.
  package init(argument: String) {
    let parts = argument.split(separator: " ", maxSplits: 1)
    self.init(path: parts.first.map(String.init) ?? "", text: parts.count > 1 ? String(parts[1]) : "")
  }
}

extension Configuration.Console: CustomStringConvertible {
  package init(argument: String) throws(ConfigurationError) {
    switch argument {
    case "stdio": self = .standard
    case "none": self = .none
    case "pty": self = .pseudoTerminal
    case _ where argument.hasPrefix("file:") && argument.count > 5: self = .file(String(argument.dropFirst(5)))
    case _ where argument.hasPrefix("tcp:"): self = .tcp(try Self.parseTCP(argument))
    default:
      throw ConfigurationError("--console \(argument)", "it is stdio, none, file:PATH, pty or tcp:127.0.0.1:PORT")
    }
  }

  private static func parseTCP(_ argument: String) throws(ConfigurationError) -> LoopbackAddress {
    do throws(LoopbackAddress.Fault) { return try LoopbackAddress(argument.dropFirst(4)) } catch {
      let reason =
        switch error {
        case .malformed: "give an address and a port, like tcp:127.0.0.1:5000 or tcp:[::1]:5000"
        case .notLoopback:
          "nobody is asked who they are, so it is for this machine only: give 127.0.0.1 or [::1], elsewhere use ssh -L"
        }
      throw ConfigurationError("--console \(argument)", reason)
    }
  }

  package var description: String {
    switch self {
    case .standard: "stdio"
    case .none: "none"
    case .file(let path): "file:\(path)"
    case .pseudoTerminal: "pty"
    case .tcp(let address): "tcp:\(address)"
    }
  }
}
