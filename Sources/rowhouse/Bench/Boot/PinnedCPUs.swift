import Host
import Machine

/// Keeps what is measured and who measures on CPUs of their own, for `--pin`.
struct PinnedCPUs {
  /// The VMM's: as many as its guest has, the last ones.
  let measured: Range<Int>
  /// The rest.
  let own: Range<Int>

  /// - Throws: when this computer has too few.
  init(guestCPUs: Int) throws(ConfigurationError) {
    let count = HostCPU.count
    guard guestCPUs < count else {
      throw ConfigurationError(
        "--pin", "a guest with \(guestCPUs) CPUs needs a computer with one more at least, this one has \(count)")
    }
    measured = count - guestCPUs..<count
    own = 0..<count - guestCPUs
  }

  /// What is started from now on is measured.
  func enter() throws(SystemCallError) { try HostCPU.stay(on: measured) }
  func leave() throws(SystemCallError) { try HostCPU.stay(on: own) }
}
