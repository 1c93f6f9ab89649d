// SAFETY: of what could be raced for there only the stream is used, which has a lock of its own (flockfile(3)).
@unsafe @preconcurrency import Glibc
import Host

/// What `print` writes to.
enum StandardOutput {
  /// Sends off all that was printed.
  ///
  /// - Throws: when some of it could not be written, now or before.
  static func flush() throws(HostError) {
    // What failed before is known to the stream, but not why it did.
    errno = 0
    // SAFETY: the C library's own stream, which nobody closes.
    let outcome = unsafe fflush(stdout)
    if unsafe outcome == 0 && ferror(stdout) == 0 { return }
    let reason = errno == 0 ? "not all could be written" : "\(Errno(rawValue: errno))"
    throw HostError("standard output: \(reason)")
  }
}
