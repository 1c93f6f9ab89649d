import ArgumentParser
import Machine

/// `rowhouse metrics`: all guests' meters for a monitoring system.
struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Prints all guests' meters as metrics, in the OpenMetrics text format.")

  @Option(parsing: .unconditional, help: "openmetrics, or prometheus for its older text format (default: openmetrics).")
  var format: String?

  func run() throws {
    guard let format = Exposition.Format(rawValue: format ?? "openmetrics") else {
      throw ConfigurationError("--format \(format ?? "")", "it is openmetrics or prometheus")
    }
    print(try GuestMetrics(Street()).text(format), terminator: "")
  }
}
