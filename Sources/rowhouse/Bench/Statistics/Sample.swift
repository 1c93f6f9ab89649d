/// Figures of one kind, at least one, in ascending order.
struct Sample {
  let values: [Double]

  /// - Returns: nil when there are none.
  init?(_ values: some Sequence<Double>) {
    let sorted = values.sorted()
    if sorted.isEmpty { return nil }
    self.values = sorted
  }

  var minimum: Double { values[0] }
  var median: Double { quantile(0.5) }
  var p90: Double { quantile(0.9) }
  var maximum: Double { values[values.count - 1] }

  /// The value below which a part of the figures lies, linear between two of them (Hyndman and Fan's type 7, which
  /// NumPy and R have as their default).
  ///
  /// - Parameter part: from 0 to 1.
  func quantile(_ part: Double) -> Double {
    let place = part * Double(values.count - 1)
    let below = Int(place)
    guard below + 1 < values.count else { return values[values.count - 1] }
    return values[below] + (values[below + 1] - values[below]) * (place - Double(below))
  }
}
