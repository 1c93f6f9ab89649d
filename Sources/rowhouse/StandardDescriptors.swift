import Glibc

enum StandardDescriptors {
  /// Puts /dev/null where a standard descriptor is closed, so that no file which is opened later is taken for it.
  static func ensureOpen() {
    var number: Int32
    // SAFETY: the path is a literal.
    repeat { number = unsafe open("/dev/null", O_RDWR) } while (0...STDERR_FILENO).contains(number)
    if number >= 0 { close(number) }
  }
}
