import Machine

/// What the options of `rowhouse run` say.
extension RunCommand {
  /// The same arguments with the words after `--` put together into one. ArgumentParser takes seconds for thousands of
  /// them.
  static func joiningCommandLine(_ arguments: [String]) -> [String] {
    // After an option it may be the option's value, which ArgumentParser knows better.
    guard let end = arguments.firstIndex(of: "--"), end > 0, !arguments[end - 1].hasPrefix("-"),
      end + 2 < arguments.count
    else { return arguments }
    return arguments[...end] + [arguments[(end + 1)...].joined(separator: " ")]
  }

  /// The guest that the options describe.
  func makeConfiguration() throws(ConfigurationError) -> Configuration {
    if detach, verdict != nil {
      throw ConfigurationError("--verdict", "the verdict of a detached guest is said by `rowhouse wait`")
    }
    let configuration = try guest.makeConfiguration(
      kernel,
      [
        "console": console ?? (detach ? "none" : nil), "timeout": timeout, "on-reset": onReset,
        "exit-profile": exitProfile,
      ])
    if detach, configuration.console == .standard {
      throw ConfigurationError("--console stdio", "a detached guest has no terminal; see `rowhouse logs`")
    }
    return configuration
  }

  private static let usualLogBytes: UInt64 = 16 << 20

  func logBytes() throws(ConfigurationError) -> UInt64? {
    guard let consoleLog else { return detach ? Self.usualLogBytes : nil }
    let bytes = try Configuration.parseConsoleLog(consoleLog)
    guard bytes == 0 || bytes >= Configuration.pageBytes else {
      throw ConfigurationError("--console-log \(consoleLog)", "give a size of at least 4K, or 0M for no log")
    }
    return bytes == 0 ? nil : bytes
  }
}
