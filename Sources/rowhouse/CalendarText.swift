import FoundationEssentials

/// Moments as the calendar has them.
enum CalendarText {
  /// "2026-11-24T19:29:03Z" (ISO 8601).
  static func utc(nanosecondsSince1970 nanoseconds: UInt64) -> String {
    Date(timeIntervalSince1970: Double(nanoseconds / 1_000_000_000)).formatted(.iso8601)
  }
}
