import Glibc
import Host

/// What a person is told: one line a message on standard error, with the name that the person knows the program by.
package enum StandardError {
  /// How long a terminal that takes nothing is waited for, in nanoseconds.
  private static let patience: UInt64 = 1_000_000_000

  package static func say(_ message: String) {
    var line = line(message)
    // There is nobody to tell of a failure.
    if isatty(STDERR_FILENO) == 1, let terminal = try? ByteSink.standard(STDERR_FILENO) {
      return show(line, on: terminal)
    }
    // One write, so that lines of several threads and processes do not mix.
    line.withUTF8 { bytes in
      // SAFETY: the string's bytes are only read.
      _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }

  /// The line that a message is.
  package static func line(_ message: String) -> String {
    let isRaw = (try? TerminalMode(of: STDERR_FILENO)).map { !$0.returnsAtLineFeed } ?? false
    // What is named in it may be anything: a path, or a word of the command line.
    let shown = message.unicodeScalars.contains(where: isControl) ? escaped(message) : message
    return "rowhouse: \(shown)\(isRaw ? "\r\n" : "\n")"
  }

  /// A terminal may be stopped, or nobody reads its other side: then it does without the rest.
  private static func show(_ line: String, on terminal: ByteSink) {
    let deadline = Instant.now.advanced(byNanoseconds: patience)
    var rest = UnsentBytes()
    rest.append(Array(line.utf8))
    while (try? rest.send(to: terminal)) != nil, !rest.isEmpty, Instant.now < deadline {
      terminal.awaitRoom(milliseconds: 50)
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
