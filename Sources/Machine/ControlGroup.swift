import Host
import Metering

/// A folder of the host's cgroup v2 that a VMM runs in, whose cpu controller then holds all of the VMM to the quota, its
/// I/O threads too, and weighs it against its neighbours (the kernel's admin-guide/cgroup-v2.rst, "CPU").
///
/// The folder is its owner's: it is there before the guest, and stays.
struct ControlGroup {
  private let path: String

  /// - Throws: ``ConfigurationError`` when the folder is none of cgroup v2, or cannot do what the allotment wants of it.
  init(_ path: String, for allotment: CPUAllotment) throws(ConfigurationError) {
    self.path = path
    let controllers: String
    do throws(SystemCallError) { controllers = try read("cgroup.controllers") } catch {
      let reason = error.errno == .noSuchFile ? "there is no such folder of cgroup v2" : "\(error.errno)"
      throw ConfigurationError("--cgroup \(path)", reason)
    }
    guard allotment.quotaBasisPoints != nil || allotment.weight != nil else { return }
    guard controllers.split(whereSeparator: \.isWhitespace).contains("cpu") else {
      throw ConfigurationError(
        "--cgroup \(path)", "it has no cpu controller; whoever owns the folder above writes +cpu to cgroup.subtree_control")
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

  private func read(_ file: StaticString) throws(SystemCallError) -> String {
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
