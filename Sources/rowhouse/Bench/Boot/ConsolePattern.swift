import Glibc
import Machine

/// A POSIX extended regular expression that is looked for in the lines of a console.
@safe final class ConsolePattern {
  // SAFETY: only regcomp, regexec and regfree look into it.
  private var compiled = unsafe regex_t()

  /// What getty says.
  static let login = "login: *$"

  init(_ expression: String) throws(ConfigurationError) {
    // SAFETY: the expression outlives the call, which fills the variable; `deinit` frees what it filled.
    let status = unsafe regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB)
    guard status == 0 else {
      throw ConfigurationError(
        "--until marker:\(expression)", "not an extended regular expression, as `grep -E` knows them")
    }
  }

  deinit {
    // SAFETY: filled by regcomp.
    unsafe regfree(&compiled)
  }

  func matches(_ line: some StringProtocol) -> Bool {
    // SAFETY: filled by regcomp; the line outlives the call, which only reads it.
    unsafe regexec(&compiled, String(line), 0, nil, 0) == 0
  }
}

/// What a Linux kernel says when it starts the first program, unless it is told to be quiet.
enum InitLine {
  static func matches(_ line: String) -> Bool { line.contains("Run /") && line.hasSuffix("as init process") }
}

/// What a kernel says when it gives up: Linux, or Xen.
enum PanicLine {
  static func matches(_ line: String) -> Bool {
    // "<4>", "[    1.234567] ", "[    T1] " and "(XEN) " are put before a line.
    let words = line.drop { "<>[]()0123456789. TXEN".contains($0) }
    return words.hasPrefix("Kernel panic - not syncing") || words.hasPrefix("Panic on CPU ")
  }
}
