import Glibc
import Host

/// When and how something was measured.
struct Occasion: Codable {
  /// As ISO 8601, UTC.
  let date: String
  /// What was typed.
  let command: String
  /// How many threads ran or wanted to, the mean of the minute before: a busy computer measures badly.
  let loadAverage: Double
  let label: String?

  /// Now.
  init(label: String?) {
    date = CalendarText.utc(nanosecondsSince1970: HostClock.nanosecondsSince1970)
    let words = CommandLine.arguments
    // A program's path says only where it lies.
    let program = words.first?.split(separator: "/").last.map(String.init) ?? "rowhouse"
    command = ShellWord.line([program] + words.dropFirst())
    var load = 0.0
    // SAFETY: the one number asked for fits the variable. It stays 0 where there is no /proc.
    _ = unsafe getloadavg(&load, 1)
    loadAverage = load
    self.label = label
  }
}
