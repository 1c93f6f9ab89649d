import ArgumentParser
import Machine

/// `rowhouse metrics`: all guests' meters for a monitoring system.
struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Prints all guests' meters as metrics, in the OpenMetrics text format, or serves them.",
    discussion: """
      A guest that has ended has its counters and times still, but no gauges of what it may have or has. \
      rowhouse_guest_up is 0 for it, and for one whose VMM does not answer, whose CPU times and memory are those of \
      rowhouse_guest_sample_time_seconds.
      """)

  @Option(parsing: .unconditional, help: "openmetrics, or prometheus for its older text format (default: openmetrics).")
  var format: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Serve them at /metrics to this machine, like 127.0.0.1:9464.", valueName: "address"))
  var serve: String?

  func run() throws {
    if let serve {
      guard format == nil else {
        throw ConfigurationError("--format", "who asks the server says which format it wants")
      }
      return try MetricsServer(serve).run()
    }
    guard let format = Exposition.Format(rawValue: format ?? "openmetrics") else {
      throw ConfigurationError("--format \(format ?? "")", "it is openmetrics or prometheus")
    }
    print(try GuestMetrics(Street()).text(format), terminator: "")
  }
}
