/// What a sample of times comes to, in nanoseconds.
struct Summary: Codable {
  let minimum: Double
  let median: Double
  let p90: Double
  let maximum: Double
  /// Where the median lies with 95 % confidence (``Bootstrap``); nil of too few runs.
  let medianLow: Double?
  let medianHigh: Double?

  init(_ sample: Sample) {
    minimum = sample.minimum
    median = sample.median
    p90 = sample.p90
    maximum = sample.maximum
    let interval = Bootstrap.median(of: sample)
    (medianLow, medianHigh) = (interval?.lowerBound, interval?.upperBound)
  }

  /// "2.39 to 2.43", in milliseconds; nil of too few runs.
  var intervalText: String? {
    guard let medianLow, let medianHigh else { return nil }
    return "\((medianLow / 1e6).fixed(2)) to \((medianHigh / 1e6).fixed(2))"
  }
}

/// A quotient of two medians, with its 95 % interval (``Bootstrap``), which too few runs do not have.
struct Ratio: Codable {
  let value: Double
  let low: Double?
  let high: Double?

  init(of numerator: Sample, to denominator: Sample) {
    value = numerator.median / denominator.median
    let interval = Bootstrap.ratio(of: numerator, to: denominator)
    (low, high) = (interval?.lowerBound, interval?.upperBound)
  }

  /// "0.450 (0.440 to 0.470)", or "0.450".
  var text: String {
    guard let low, let high else { return value.fixed(3) }
    return "\(value.fixed(3)) (\(low.fixed(3)) to \(high.fixed(3)))"
  }
}
