/// What a sample of times comes to, in nanoseconds.
struct Summary: Codable {
  let minimum: Double
  let median: Double
  let p90: Double
  let maximum: Double
  /// Where the median lies with 95 % confidence (``Bootstrap``).
  let medianLow: Double
  let medianHigh: Double

  init(_ sample: Sample) {
    minimum = sample.minimum
    median = sample.median
    p90 = sample.p90
    maximum = sample.maximum
    let interval = Bootstrap.median(of: sample)
    (medianLow, medianHigh) = (interval.lowerBound, interval.upperBound)
  }
}

/// A quotient of two medians, with its 95 % interval (``Bootstrap``).
struct Ratio: Codable {
  let value: Double
  let low: Double
  let high: Double

  init(of numerator: Sample, to denominator: Sample) {
    value = numerator.median / denominator.median
    let interval = Bootstrap.ratio(of: numerator, to: denominator)
    (low, high) = (interval.lowerBound, interval.upperBound)
  }

  /// "0.45 (0.44 to 0.47)".
  var text: String { "\(value.fixed(3)) (\(low.fixed(3)) to \(high.fixed(3)))" }
}
