/// Arithmetic on what a meter says. Whoever may write the file may have made the figures up: a sum that no word can
/// hold is the most that one can.
extension UInt64 {
  package func saturatingAdd(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  package func saturatingTimes(_ factor: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }

  /// How much more it is than `other`; 0 when it is less.
  package func saturatingSubtract(_ other: UInt64) -> UInt64 { self - Swift.min(self, other) }

  /// The whole part, 0 for what is less or no number, and the most for what is more.
  package init(saturating value: Double) {
    // 2^64 is the first that a word cannot hold.
    self = value >= 0x1p64 ? .max : value > 0 ? UInt64(value) : 0
  }
}

extension Sequence<UInt64> {
  package var saturatingSum: UInt64 { reduce(0) { $0.saturatingAdd($1) } }
}
