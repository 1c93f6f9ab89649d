import ArgumentParser
import Host
import Machine

/// `rowhouse wait`: waits for guests' ends.
struct WaitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Waits until guests have ended, and returns the last one's exit status.",
    discussion: """
      The exit status is that of `rowhouse run`; 124 when --timeout is over first; 137 also for a guest whose VMM \
      died. Of several guests each gets a line that says how it ended, in the order in which they were named, and the exit \
      status is that of the last.
      """)

  @OptionGroup var selection: GuestSelection

  @Option(parsing: .unconditional, help: ArgumentHelp("Wait no longer than this.", valueName: "seconds"))
  var timeout: String?

  func run() throws {
    let limit = try timeout.map { text throws(ConfigurationError) in
      try Configuration.parseSeconds(text, option: "--timeout")
    }
    let guests = try selection.guests()
    let deadline = limit.map { Instant.now.advanced(byNanoseconds: $0) }
    var status: Int32 = 0
    for guest in guests {
      guard let end = try guest.awaitEnd(until: deadline) else { throw ExitCode(Verdict.timeout.exitStatus) }
      guest.settleIfPossible()
      status = end.exitStatus
      if guests.count > 1 {
        print("\(guest.name): \(end) (exit status \(status))")
        try StandardOutput.flush()
      } else if end == .crashed || end == .removed {
        StandardError.say("\(guest.name): \(end)")
      }
    }
    throw ExitCode(status)
  }
}
