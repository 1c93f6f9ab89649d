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
      All of it is done or nothing, and the order means nothing. What was saved up or is owed stays.
      """)

  @OptionGroup var guest: OneGuest

  @Argument(help: ArgumentHelp("What to change.", valueName: "key=value"))
  var settings: [String]

  /// What one setting asks for.
  private enum Wish {
    /// What the guest shall give up, in bytes.
    case balloon(target: UInt64)
    case change(AllotmentChange)
  }

  func run() throws {
    let folder = try guest.guest()
    guard let meter = try folder.lookOrExplain().meter else {
      throw folder.notRunning
    }
    // All are read and checked before one is sent.
    try checkThatNoneComesTwice()
    var changes: [AllotmentChange] = []
    var balloon: (target: UInt64, setting: String)?
    for setting in settings {
      switch try wish(setting, meter) {
      case .balloon(let target): balloon = (target, setting)
      case .change(let change): changes.append(change)
      }
    }
    let words = settings.filter { $0 != balloon?.setting }.joined(separator: " ")
    var allotment = Allotment(meter)
    do throws(ControlFault) { try allotment.make(changes) } catch { throw ConfigurationError(words, error.reason) }
    do throws(ConfigurationError) { try allotment.check(cpuCount: meter.cpus.count) } catch { throw asTyped(error) }
    if let balloon, case .status(let status) = try folder.ask(.status, balloon.setting), status.balloon == nil {
      throw ConfigurationError(balloon.setting, ControlFault.noSuchDevice.reason)
    }
    // First what the host can still refuse, and that in one request.
    if !changes.isEmpty { try folder.ask(.allot(changes), words) }
    if let balloon { try folder.ask(.balloon(target: balloon.target), balloon.setting) }
  }

  /// An error about an option of `run`, about the setting that is like it.
  private func asTyped(_ error: ConfigurationError) -> ConfigurationError {
    let option = error.subject.prefix { $0 != " " }
    let setting = settings.first { "--\($0.prefix { $0 != "=" })" == option }
    return ConfigurationError(setting ?? error.subject, error.reason.replacing("--", with: ""))
  }

  private func checkThatNoneComesTwice() throws(ConfigurationError) {
    var names: Set<Substring> = []
    for setting in settings where !names.insert(setting.prefix { $0 != "=" }).inserted {
      throw ConfigurationError(setting, "it is set twice")
    }
  }

  private func wish(_ setting: String, _ meter: MeterReading) throws -> Wish {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { throw ConfigurationError(setting, "a setting is a name, = and a value") }
    let (name, value) = (parts[0], parts[1])
    switch name {
    case "memory": return .balloon(target: try balloonTarget(value, setting, meter))
    case "cpu-quota":
      let share = value == "none" ? 0 : try CPUAllotment.parseQuota(value, option: setting)
      guard share > 0 || value == "none" else { throw ConfigurationError(setting, "the least is 1% of a CPU") }
      return .change(AllotmentChange(AllotmentItem(.quota), to: share))
    case "cpu-period":
      return .change(AllotmentChange(AllotmentItem(.period), to: try CPUAllotment.parseSpan(value, option: setting)))
    case "cpu-burst":
      return .change(AllotmentChange(AllotmentItem(.burst), to: try CPUAllotment.parseSpan(value, option: setting)))
    case "cpu-weight":
      return .change(AllotmentChange(AllotmentItem(.weight), to: try CPUAllotment.parseWeight(value, option: setting)))
    default: return .change(try limit(name, value, setting, meter))
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
  ) throws -> AllotmentChange {
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
      return AllotmentChange(AllotmentItem(group, index: index, item: UInt8(item.number)), to: number)
    }
    throw ConfigurationError(setting, "no such setting; `rowhouse set --help` lists them")
  }
}

extension Allotment {
  /// What a guest may use as its meter shows it, which is all but its weight.
  fileprivate init(_ meter: MeterReading) {
    var cpu = CPUAllotment()
    if let quota = meter.cpuQuota {
      cpu.quotaBasisPoints = quota.basisPoints
      (cpu.periodNanoseconds, cpu.burstNanoseconds) = (quota.periodNanoseconds, quota.burstNanoseconds)
    }
    self.init(cpu: cpu, disks: meter.disks.map(\.limits), networks: meter.networks.map(\.limits))
  }
}
