import ArgumentParser
import Control
import Machine
import Metering

/// `rowhouse set`: changes what a running guest may use.
struct SetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Changes what a running guest may use, at once.",
    discussion: """
      Settings:
        memory=SIZE             what the guest keeps of its memory; its balloon takes the rest (needs run --balloon)
        cpu-quota=SHARE         CPU time for all its CPUs together, in per cent of one; none takes the quota away
        cpu-period=TIME, cpu-burst=TIME
        cpu-weight=WEIGHT       how much of a busy host it gets beside others, 1 to 10000 (needs run --cgroup)
        diskN.LIMIT, netN.LIMIT a limit as in --disk or --net, of the disk or network card N from 0:
                                disk0.write-bandwidth=20M, net0.packets=1000, disk1.budget=10G; none takes it away
      What was saved up or is owed stays.
      """)

  @OptionGroup var guest: OneGuest

  @Argument(help: ArgumentHelp("What to change.", valueName: "key=value"))
  var settings: [String]

  func run() throws {
    let folder = try guest.guest()
    guard let meter = try? folder.look().meter else {
      throw ConfigurationError("\(folder.name)", "the guest is not running")
    }
    // A quota first: what else is said of it needs one. All are read and checked before one is sent.
    let isQuota = { (setting: String) in setting.hasPrefix("cpu-quota=") }
    let inOrder = settings.filter(isQuota) + settings.filter { !isQuota($0) }
    let requests = try inOrder.map { try request($0, meter) }
    try Self.check(requests, meter)
    for (words, request) in zip(inOrder, requests) { try folder.ask(request, words) }
  }

  /// Whether the guest's CPUs can be held to all of these at once.
  private static func check(_ requests: [ControlRequest], _ meter: MeterReading) throws(ConfigurationError) {
    var allotment = CPUAllotment()
    // What it has, whatever that is: there is a quota.
    if meter.cpuQuota != nil { allotment.quotaBasisPoints = CPUAllotment.leastQuota }
    for case .allot(let item, let value) in requests {
      switch item {
      case AllotmentItem(.quota): allotment.quotaBasisPoints = value == 0 ? nil : value
      case AllotmentItem(.period): allotment.periodNanoseconds = value
      case AllotmentItem(.burst): allotment.burstNanoseconds = value
      default: break
      }
    }
    try allotment.check(cpuCount: meter.cpus.count)
  }

  private func request(_ setting: String, _ meter: MeterReading) throws -> ControlRequest {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { throw ConfigurationError(setting, "a setting is a name, = and a value") }
    let (name, value) = (parts[0], parts[1])
    switch name {
    case "memory": return .balloon(target: try balloonTarget(value, setting, meter))
    case "cpu-quota":
      let share = value == "none" ? 0 : try CPUAllotment.parseQuota(value, option: setting)
      guard share > 0 || value == "none" else { throw ConfigurationError(setting, "the least is 1% of a CPU") }
      return .allot(AllotmentItem(.quota), value: share)
    case "cpu-period":
      return .allot(AllotmentItem(.period), value: try CPUAllotment.parseSpan(value, option: setting))
    case "cpu-burst":
      return .allot(AllotmentItem(.burst), value: try CPUAllotment.parseSpan(value, option: setting))
    case "cpu-weight":
      return .allot(AllotmentItem(.weight), value: try CPUAllotment.parseWeight(value, option: setting))
    default: return try limit(name, value, setting, meter)
    }
  }

  private func balloonTarget(_ value: String, _ setting: String, _ meter: MeterReading) throws -> UInt64 {
    guard let bytes = ByteSize.parse(value), bytes.isMultiple(of: Configuration.pageBytes) else {
      throw ConfigurationError(setting, "give a size like 128M, a multiple of 4K")
    }
    let whole = meter.memoryBytes
    guard bytes > 0, bytes <= whole else {
      throw ConfigurationError(setting, "the guest has \(ByteSize.format(whole)): give a size above 0, and no more")
    }
    return whole - bytes
  }

  /// A setting like "disk0.write-bandwidth".
  private func limit(
    _ name: String, _ value: String, _ setting: String, _ meter: MeterReading
  ) throws -> ControlRequest {
    let parts = name.split(separator: ".", maxSplits: 1)
    let kinds: [(String, LimitedDevice, AllotmentItem.Group)] = [("disk", .disk, .disk), ("net", .network, .network)]
    for (word, device, group) in kinds where parts.count == 2 && parts[0].hasPrefix(word) {
      guard let index = UInt16(parts[0].dropFirst(word.count)), let item = device.item(named: parts[1]) else { break }
      guard let number = value == "none" ? 0 : item.parse(value) else {
        throw ConfigurationError(setting, "give \(item.example), or none")
      }
      let count = device == .disk ? meter.disks.count : meter.networks.count
      guard index < count else {
        throw ConfigurationError(setting, count == 0 ? "the guest has none" : "the guest's last is \(word)\(count - 1)")
      }
      return .allot(AllotmentItem(group, index: index, item: UInt8(item.number)), value: number)
    }
    throw ConfigurationError(setting, "no such setting; `rowhouse set --help` lists them")
  }
}
