import Glibc

/// A figure of somebody's, in the runs before and in those after.
struct Change {
  let before: Sample
  let after: Sample

  /// How many times as much the median is after.
  var factor: Double { after.median / before.median }

  /// Whether it can be divided by: nothing before has no factor, and nothing after has none to divide by.
  var isPositive: Bool { before.median > 0 && after.median > 0 }

  var hasEnoughRuns: Bool { min(before.values.count, after.values.count) >= Bootstrap.fewestRuns }

  /// The factor divided by the geometric mean of others', so 1 when it is as theirs.
  ///
  /// - Parameter others: at least one.
  func factorBeside(_ others: [Change]) -> Double {
    factor / pow(others.map(\.factor).reduce(1, *), 1 / Double(others.count))
  }
}

extension Ratio {
  /// A change divided by the mean one of others.
  ///
  /// - Parameters:
  ///   - others: at least one.
  ///   - chance: how often the interval may leave out 1 though nothing changed but what changed for the others too.
  init(of change: Change, beside others: [Change], chance: Double) {
    value = change.factorBeside(others)
    let interval = Bootstrap.factor(of: change, beside: others, chance: chance)
    (low, high) = (interval?.lowerBound, interval?.upperBound)
  }
}
