import Metering

/// Figures as a person reads them: three digits that count, and a unit.
enum HumanQuantity {
  /// "0 B", "999 B", "1.00 KiB", "12.3 MiB", "456 GiB".
  static func bytes(_ bytes: UInt64) -> String {
    guard bytes >= 1000 else { return "\(bytes) B" }
    return scaled(Double(bytes), 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
  }

  /// "850 ns", "1.50 ms", "12.3 s", and from 1000 seconds on "16m40s".
  static func seconds(_ nanoseconds: UInt64) -> String {
    guard nanoseconds >= 1000 else { return "\(nanoseconds) ns" }
    // What would be rounded to four digits is a thousand.
    guard nanoseconds < 999_500_000_000 else { return duration(nanoseconds.saturatingAdd(500_000_000)) }
    return scaled(Double(nanoseconds), 1000, ["ns", "µs", "ms", "s"])
  }

  /// In whole units, what is less cut off: "12s", "3m05s", "2h07m", "5d03h".
  static func duration(_ nanoseconds: UInt64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    func two(_ number: UInt64) -> String { String(String(100 + number).dropFirst()) }
    return switch seconds {
    case ..<60: "\(seconds)s"
    case ..<3600: "\(seconds / 60)m\(two(seconds % 60))s"
    case ..<86400: "\(seconds / 3600)h\(two(seconds / 60 % 60))m"
    default: "\(seconds / 86400)d\(two(seconds / 3600 % 24))h"
    }
  }

  /// A sum of memory over time, from byte-seconds: "0.123 GiB-h".
  static func gibibyteHours(_ byteSeconds: UInt64) -> String {
    "\((Double(byteSeconds) / Double(1 << 30) / 3600).fixed(3)) GiB-h"
  }

  private static func scaled(_ value: Double, _ step: Double, _ units: [String]) -> String {
    var (value, index) = (value, 0)
    // What would be rounded to four digits has the next unit.
    while value >= 999.5, index + 1 < units.count {
      value /= step
      index += 1
    }
    return "\(value.fixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)) \(units[index])"
  }
}
