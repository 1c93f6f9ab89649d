/// How far a figure would move if the runs were done again: Efron's percentile bootstrap.
///
/// As many values are drawn from a sample, with replacement, as it has; that is done 2,000 times, and the interval is
/// where the middle 95 % of the results lie. The seed is fixed, so the same runs always give the same interval.
enum Bootstrap {
  /// Of fewer runs there is no interval: it cannot be wider than the range, in which the true median of n runs lies in
  /// 1 − 2 · 0.5ⁿ of all samples: 50 % for two, 75 % for three, 88 % for four, and 94 % for five.
  static let fewestRuns = 5

  private static let rounds = 2000
  private static let seed: UInt64 = 1

  /// The interval of a sample's median; nil of too few runs.
  static func median(of sample: Sample) -> ClosedRange<Double>? {
    guard sample.values.count >= fewestRuns else { return nil }
    var random = SplitMix64(seed: seed)
    return middle((0..<rounds).map { _ in resampled(sample, &random).median })
  }

  /// The interval of the quotient of two medians. Both are drawn anew each time, as neither is known exactly; nil of
  /// too few runs of either.
  static func ratio(of numerator: Sample, to denominator: Sample) -> ClosedRange<Double>? {
    guard min(numerator.values.count, denominator.values.count) >= fewestRuns else { return nil }
    var random = SplitMix64(seed: seed)
    return middle(
      (0..<rounds).map { _ in resampled(numerator, &random).median / resampled(denominator, &random).median })
  }

  private static func resampled(_ sample: Sample, _ random: inout SplitMix64) -> Sample {
    // As many as the sample has, which is never none.
    Sample(sample.values.map { _ in sample.values[Int.random(in: sample.values.indices, using: &random)] }) ?? sample
  }

  private static func middle(_ results: [Double]) -> ClosedRange<Double>? {
    Sample(results).map { $0.quantile(0.025)...$0.quantile(0.975) }
  }
}
