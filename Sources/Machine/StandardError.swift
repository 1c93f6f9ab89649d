import Glibc
import Host

/// What a person is told: one line a message on standard error, with the name that the person knows the program by.
package enum StandardError {
  package static func say(_ message: String) {
    // One write, so that lines of several threads and processes do not mix. There is nobody to tell of a failure.
    let isRaw = (try? TerminalMode(of: STDERR_FILENO)).map { !$0.returnsAtLineFeed } ?? false
    var line = "rowhouse: \(message)\(isRaw ? "\r\n" : "\n")"
    line.withUTF8 { bytes in
      // SAFETY: the string's bytes are only read.
      _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }
}
