import Host
import Metering

/// What all programs of this machine use together of its memory, and of the CPUs that this process may run on, as its
/// kernel says (proc(5)).
struct MachineLoad {
  /// Time that CPUs have worked and have idled since the machine's start, in ticks of the kernel's.
  private let busy: UInt64
  private let idle: UInt64
  private let cpuCount: Int
  /// Bytes that no program could have without swapping.
  let memoryInUse: UInt64

  /// - Returns: nil where there is no such /proc.
  init?() {
    guard let stat = Self.text(of: "/proc/stat"), let memory = Self.text(of: "/proc/meminfo") else { return nil }
    let allowed = Set(HostCPU.allowed)
    self.init(stat: stat, memory: memory, isCounted: allowed.contains)
  }

  /// - Parameter isCounted: whether a CPU of this number is.
  init?(stat: String, memory: String, isCounted: (Int) -> Bool) {
    // One line for each CPU: user nice system idle iowait irq softirq steal; guests' time is in the user's, too.
    let cpus = stat.split(separator: "\n").compactMap { line -> [UInt64]? in
      let words = line.split(separator: " ")
      guard words[0].hasPrefix("cpu"), let number = Int(words[0].dropFirst(3)), isCounted(number) else { return nil }
      return words.dropFirst().prefix(8).compactMap { UInt64($0) }
    }
    guard !cpus.isEmpty, cpus.allSatisfy({ $0.count == 8 }), let total = Self.kibibytes("MemTotal:", in: memory),
      let available = Self.kibibytes("MemAvailable:", in: memory)
    else { return nil }
    idle = cpus.lazy.map { $0[3].saturatingAdd($0[4]) }.saturatingSum
    busy = cpus.lazy.map(\.saturatingSum).saturatingSum.saturatingSubtract(idle)
    cpuCount = cpus.count
    memoryInUse = total.saturatingSubtract(available).saturatingTimes(1024)
  }

  /// Hundredths of a per cent of one CPU that were used since an earlier look.
  func cpuShare(since earlier: MachineLoad) -> UInt64 {
    let worked = busy.saturatingSubtract(earlier.busy)
    let time = worked.saturatingAdd(idle.saturatingSubtract(earlier.idle))
    return time == 0 ? 0 : worked.saturatingTimes(UInt64(cpuCount) * 10_000) / time
  }

  private static func text(of path: String) -> String? {
    guard let file = try? Descriptor.open(path, .readOnly), let bytes = try? file.read(atMost: 1 << 20) else {
      return nil
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func kibibytes(_ word: String, in text: String) -> UInt64? {
    text.split(separator: "\n").first { $0.hasPrefix(word) }?.split(separator: " ").dropFirst().first
      .flatMap { UInt64($0) }
  }
}
