/// A length of time as people write it: a whole number and a unit, "500us", "10ms", "2s".
package enum TimeSpan {
  private static let units: [(name: String, nanoseconds: UInt64)] = [
    ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
  ]

  /// Reads it to nanoseconds; nil for anything else.
  package static func parse(_ text: String) -> UInt64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = UInt64(digits), let unit = units.first(where: { $0.name == text.dropFirst(digits.count) }) else {
      return nil
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit.nanoseconds)
    return overflow ? nil : product
  }

  /// The same in the largest unit that leaves a whole number. Spans are multiples of a microsecond.
  package static func format(_ nanoseconds: UInt64) -> String {
    let unit = units.last { nanoseconds % $0.nanoseconds == 0 } ?? units[0]
    return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
  }
}

/// A share as people write it: "25%", "150%", "12.5%", with up to two decimals.
package enum Percentage {
  /// Reads it to hundredths of a per cent; nil for anything else.
  package static func parse(_ text: String) -> UInt64? {
    guard text.hasSuffix("%") else { return nil }
    let parts = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
      let whole = UInt64(parts[0]), whole <= 1_000_000
    else { return nil }
    guard parts.count == 2 else { return whole * 100 }
    guard (1...2).contains(parts[1].count), let fraction = UInt64(parts[1]) else { return nil }
    return whole * 100 + (parts[1].count == 1 ? fraction * 10 : fraction)
  }

  package static func format(_ basisPoints: UInt64) -> String {
    let (whole, fraction) = (basisPoints / 100, basisPoints % 100)
    if fraction == 0 { return "\(whole)%" }
    let digits = String(100 + fraction).dropFirst()
    return "\(whole).\(digits.hasSuffix("0") ? digits.dropLast() : digits)%"
  }
}
