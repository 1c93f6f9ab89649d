/// Where each figure lies in a guest's meter: a little-endian structure that the VMM writes and any process may map.
/// docs/meter.md describes it for those who read it without this module.
///
/// The first 4 KiB describe the guest; then come a block for each vCPU, for each disk, and for each network card. Every
/// figure is an aligned 64-bit word, so that a reader sees it whole.
enum MeterLayout {
  /// "ROWHOUSE" as bytes.
  static let magic: UInt64 = 0x4553_554f_4857_4f52
  static let version: UInt64 = 2
  static let headBytes = 4096

  /// Byte offsets from the meter's start.
  enum Guest: Int, CaseIterable {
    // Identity.
    case magic = 0, version = 8, byteCount = 16, run = 24, started = 40, process = 48
    case cpuCount = 56, diskCount = 64, networkCount = 72, cpus = 80, disks = 88, networks = 96
    // Allotment.
    case memory = 128, memoryLimit = 136, balloonTarget = 144, cpuQuota = 152, cpuPeriod = 160, cpuBurst = 168
    // Usage.
    case state = 192, verdict = 200, sampled = 208, deviceTime = 216, memoryGiven = 224, resident = 232
    case residentPeak = 240, residentSeconds = 248, console = 256, hostThrottled = 280, sampledSince1970 = 288
    case viewers = 312
    case phases = 320, markCount = 448, marks = 456
  }

  /// A mark is two words: the moment, and its source and byte.
  static let markStride = 16
  static let markCapacity = 128

  /// Byte offsets in the block of a vCPU.
  enum CPU: Int, CaseIterable {
    case exits = 0, timeRun = 128, timeThrottled = 136
  }
  static let cpuStride = 256

  /// Byte offsets in the block of a disk.
  enum Disk: Int, CaseIterable {
    case read = 0, written = 512, flushes = 1024, discards = 1032, limits = 1088, budget = 1184, budgetUsedUp = 1192
  }
  static let diskStride = 1536

  /// Byte offsets in one direction of a disk.
  enum Transfers: Int, CaseIterable {
    case bytes = 0, requests = 8, failures = 16, timeThrottled = 24, latencySum = 32, latencies = 64
  }

  /// Byte offsets in the block of a network card.
  enum Network: Int, CaseIterable {
    case received = 0, sent = 64, limits = 128, budget = 224, budgetUsedUp = 232
  }
  static let networkStride = 512

  /// Byte offsets in one direction of a network card.
  enum Packets: Int, CaseIterable {
    case bytes = 0, packets = 8, drops = 16, timeThrottled = 24
  }

  /// A limit is two words: the rate in units a second, 0 for none, and the burst in units.
  static let limitStride = 16
}

/// How many of each a guest has, and so how long its meter is.
package struct MeterShape: Equatable, Sendable {
  package let cpuCount: Int
  package let diskCount: Int
  package let networkCount: Int

  package init(cpuCount: Int, diskCount: Int = 0, networkCount: Int = 0) {
    self.cpuCount = cpuCount
    self.diskCount = diskCount
    self.networkCount = networkCount
  }

  var cpus: Int { MeterLayout.headBytes }
  var disks: Int { cpus + cpuCount * MeterLayout.cpuStride }
  var networks: Int { disks + diskCount * MeterLayout.diskStride }
  /// In whole pages.
  package var byteCount: Int { (networks + networkCount * MeterLayout.networkStride + 4095) & ~4095 }
}

/// Which way bytes go, seen from the guest.
package enum FlowDirection: Int, CaseIterable, Sendable {
  /// What it reads, or receives.
  case toGuest
  /// What it writes, or sends.
  case fromGuest
}
