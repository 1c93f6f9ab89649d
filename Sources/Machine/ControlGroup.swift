import Host
import Metering

/// A folder of the host's cgroup v2 that a VMM runs in, whose cpu controller then holds all of the VMM to the quota,
/// its I/O threads too, and weighs it against its neighbours (the kernel's admin-guide/cgroup-v2.rst, "CPU").
///
/// The folder is its owner's: it is there before the guest, and stays, with what was written into it. Nobody could take
/// that back when the VMM is killed, and others may be in the folder by then.
struct ControlGroup {
  private let path: String
  /// What others were throttled in the folder before, in microseconds; nil where that could not be read.
  private let throttledBefore: UInt64?

  /// - Throws: ``ConfigurationError`` when the folder is none of cgroup v2, or cannot do what the allotment wants of
  ///   it.
  init(_ path: String, for allotment: CPUAllotment) throws(ConfigurationError) {
    self.path = path
    throttledBefore = Self.throttledMicroseconds(path)
    let controllers: String
    do throws(SystemCallError) { controllers = try Self.read("cgroup.controllers", of: path) } catch {
      let reason = error.errno == .noSuchFile ? "there is no such folder of cgroup v2" : "\(error.errno)"
      throw ConfigurationError("--cgroup \(path)", reason)
    }
    guard allotment.quotaBasisPoints != nil || allotment.weight != nil else { return }
    guard controllers.split(whereSeparator: \.isWhitespace).contains("cpu") else {
      throw ConfigurationError(
        "--cgroup \(path)",
        "it has no cpu controller; whoever owns the folder above writes +cpu to cgroup.subtree_control")
    }
  }

  /// Moves this process in, with all its threads, and holds it to what it may use.
  func enter(_ allotment: CPUAllotment) throws(ConfigurationError) {
    do throws(SystemCallError) {
      try write("0", to: "cgroup.procs")
      if allotment.quota != nil { try hold(to: allotment.quota) }
      if let weight = allotment.weight { try weigh(weight) }
    } catch {
      throw ConfigurationError("--cgroup \(path)", "\(error)")
    }
  }

  /// Takes or changes the quota; nil is none.
  ///
  /// - Throws: what the kernel does not take: less than 1 ms in a period, and a burst above the quota.
  func hold(to quota: CPUQuota?) throws(SystemCallError) {
    // A burst may never be above the quota, so it goes before that changes and comes after.
    try writeBurst(0)
    guard let quota else { return try write("max", to: "cpu.max") }
    try write("\(quota.nanoseconds / 1000) \(quota.periodNanoseconds / 1000)", to: "cpu.max")
    try writeBurst(quota.burstNanoseconds / 1000)
  }

  /// Takes a weight, 1 to 10,000; that of a group which was never given one is 100.
  func weigh(_ weight: UInt64) throws(SystemCallError) { try write("\(weight)", to: "cpu.weight") }

  /// - Parameter microseconds: 0 is what a kernel has that knows no bursts, before Linux 5.14.
  private func writeBurst(_ microseconds: UInt64) throws(SystemCallError) {
    do throws(SystemCallError) { try write("\(microseconds)", to: "cpu.max.burst") } catch {
      guard error.errno == .noSuchFile, microseconds == 0 else { throw error }
    }
  }

  /// For how long the host has held the folder's processes back by `cpu.max` since this process is one of them, summed
  /// over the host's CPUs, in nanoseconds. What a folder further up holds back is not in it. Nil where it cannot be
  /// read.
  var throttledNanoseconds: UInt64? {
    guard let throttledBefore else { return nil }
    return Self.throttledMicroseconds(path)?.saturatingSubtract(throttledBefore).saturatingTimes(1000)
  }

  private static func throttledMicroseconds(_ path: String) -> UInt64? {
    guard let text = try? read("cpu.stat", of: path) else { return nil }
    let words = text.split(whereSeparator: \.isWhitespace)
    // Without a cpu controller there is none yet, and one that comes begins at 0.
    guard let index = words.firstIndex(of: "throttled_usec"), index + 1 < words.count else { return 0 }
    return UInt64(words[index + 1])
  }

  private static func read(_ file: StaticString, of path: String) throws(SystemCallError) -> String {
    String(decoding: try Descriptor.open("\(path)/\(file)", .readOnly).read(atMost: 4096), as: UTF8.self)
  }

  /// - Throws: an error that names the file.
  private func write(_ text: String, to file: StaticString) throws(SystemCallError) {
    do throws(SystemCallError) {
      try Descriptor.open("\(path)/\(file)", .writeOnly).writeAll(Array(text.utf8))
    } catch {
      throw SystemCallError(file, error.errno)
    }
  }
}
