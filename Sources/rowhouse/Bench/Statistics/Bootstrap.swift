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

  /// The interval of a change divided by the mean one of others. All are drawn anew each time, as none is known
  /// exactly; nil of too few runs of anybody.
  ///
  /// - Parameter chance: which part of the results is left out, half of it at each end. A wide interval rests on few
  ///   results: with 0.05 / 8 six of the 2,000 lie beyond each end.
  static func factor(of change: Change, beside others: [Change], chance: Double) -> ClosedRange<Double>? {
    guard change.hasEnoughRuns, others.allSatisfy(\.hasEnoughRuns) else { return nil }
    var random = SplitMix64(seed: seed)
    return middle(
      (0..<rounds).map { _ in
        let drawn = resampled(change, &random)
        return drawn.factorBeside(others.map { resampled($0, &random) })
      }, leavingOut: chance)
  }

  private static func resampled(_ change: Change, _ random: inout SplitMix64) -> Change {
    Change(before: resampled(change.before, &random), after: resampled(change.after, &random))
  }

  private static func resampled(_ sample: Sample, _ random: inout SplitMix64) -> Sample {
    // As many as the sample has, which is never none.
    Sample(sample.values.map { _ in sample.values[Int.random(in: sample.values.indices, using: &random)] }) ?? sample
  }

  /// - Returns: nil when some are without end, or no numbers: quotients of medians that are nothing in some draws.
  private static func middle(_ results: [Double], leavingOut chance: Double = 0.05) -> ClosedRange<Double>? {
    guard results.allSatisfy(\.isFinite) else { return nil }
    return Sample(results).map { $0.quantile(chance / 2)...$0.quantile(1 - chance / 2) }
  }
}
