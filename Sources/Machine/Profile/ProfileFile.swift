import Host
import KVM

/// The file of `--exit-profile`: what the guest's exits cost, a line each, words parted by spaces.
///
///     exit REASON ADDRESS COUNT NANOSECONDS this program's part of exits: ADDRESS as 0x…, time from exit to re-entry
///     kvm NAME VALUE KVM's own counters of all vCPUs, exits that it answered itself among them
struct ProfileFile {
  private let path: String
  private let file: SharedDescriptor

  /// Makes the file, before the guest runs.
  init(_ path: String) throws(ConfigurationError) {
    self.path = path
    do throws(SystemCallError) {
      file = SharedDescriptor(try .open(path, [.writeOnly, .create, .truncate]))
    } catch {
      throw ConfigurationError("--exit-profile \(path)", "\(error)")
    }
  }

  /// Adds what the vCPUs of a machine counted. Their threads have ended.
  func write(_ profiles: [ExitProfile], _ statistics: [KVMStatistic]) throws(SystemCallError) {
    var sums: [ExitProfile.Cause: ExitProfile.Cost] = [:]
    for (cause, cost) in profiles.flatMap(\.costs) { sums[cause] = (sums[cause] ?? .init()) + cost }
    let dearest = sums.sorted { ($0.value.nanoseconds, $0.value.count) > ($1.value.nanoseconds, $1.value.count) }
    for (cause, cost) in dearest {
      let address = "0x" + String(cause.address, radix: 16)
      try file.descriptor.writeAll("exit \(cause.reason.name) \(address) \(cost.count) \(cost.nanoseconds)\n")
    }
    for statistic in statistics { try file.descriptor.writeAll("kvm \(statistic.name) \(statistic.value)\n") }
  }
}
