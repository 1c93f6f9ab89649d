import Host
import Machine

/// Keeps what is measured and who measures on CPUs of their own, for `--pin`.
struct PinnedCPUs {
  /// The VMM's: as many as its guest has, the last ones.
  let measured: [Int]
  /// The rest.
  let own: [Int]

  /// - Parameter allowed: the CPUs that this process may run on, by their numbers.
  /// - Throws: when they are too few.
  init(guestCPUs: Int, allowed: [Int] = HostCPU.allowed) throws(ConfigurationError) {
    guard guestCPUs < allowed.count else {
      throw ConfigurationError(
        "--pin",
        "a guest with \(guestCPUs) CPU\(guestCPUs == 1 ? "" : "s") needs one more for who measures it, and this process"
          + " may run on \(allowed.count) (see `taskset -p $$`)")
    }
    measured = Array(allowed.suffix(guestCPUs))
    own = Array(allowed.dropLast(guestCPUs))
  }

  /// What is started from now on is measured.
  func enter() throws(SystemCallError) { try HostCPU.stay(on: measured) }
  func leave() throws(SystemCallError) { try HostCPU.stay(on: own) }
}
