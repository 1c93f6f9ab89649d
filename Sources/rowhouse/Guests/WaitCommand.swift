import ArgumentParser
import Host
import Machine

/// `rowhouse wait`: waits for a guest's end.
struct WaitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Waits until a guest has ended, and returns its exit status.",
    discussion: """
      The exit status is that of `rowhouse run`; 124 when --timeout is over first; 137 also for a guest whose VMM died.
      """)

  @OptionGroup var guest: OneGuest

  @Option(parsing: .unconditional, help: ArgumentHelp("Wait no longer than this.", valueName: "seconds"))
  var timeout: String?

  func run() throws {
    let limit = try timeout.map { text throws(ConfigurationError) in
      try Configuration.parseSeconds(text, option: "--timeout")
    }
    let folder = try guest.guest()
    guard let end = try folder.awaitEnd(until: limit.map { Instant.now.advanced(byNanoseconds: $0) }) else {
      throw ExitCode(Verdict.timeout.exitStatus)
    }
    folder.settleIfPossible()
    if end == .crashed || end == .removed { StandardError.say("\(folder.name): \(end)") }
    throw ExitCode(end.exitStatus)
  }
}
