import Glibc
import Host

/// What a person is told: one line a message on standard error, with the name that the person knows the program by.
package enum StandardError {
  package static func say(_ message: String) {
    // One write, so that lines of several threads and processes do not mix. There is nobody to tell of a failure.
    let isRaw = (try? TerminalMode(of: STDERR_FILENO)).map { !$0.returnsAtLineFeed } ?? false
    // What is named in it may be anything: a path, or a word of the command line.
    let shown = message.unicodeScalars.contains(where: isControl) ? escaped(message) : message
    var line = "rowhouse: \(shown)\(isRaw ? "\r\n" : "\n")"
    line.withUTF8 { bytes in
      // SAFETY: the string's bytes are only read.
      _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
  }

  /// With `\u{1b}` and the like for what would be a command to a terminal, or another line.
  private static func escaped(_ message: String) -> String {
    var text = ""
    for scalar in message.unicodeScalars {
      text += isControl(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return text
  }
}
