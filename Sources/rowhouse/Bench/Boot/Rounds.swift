/// In which order contestants take their turns, round after round.
///
/// What one leaves behind, as memory that is still being freed and caches that are full of it, is felt by the next. So
/// who comes after whom changes from round to round: in E. J. Williams's design of 1949, which balances such residual
/// effects, each comes next after each other one equally often, once in as many rounds as there are contestants, or
/// twice in twice as many where their number is odd. In which order those rounds come makes up for what there is from
/// the end of one to the beginning of the next.
struct Rounds {
  private var count = 0
  /// Those of the design that are yet to come.
  private var left: [[Int]] = []
  private var last: Int?
  /// How often a round that one ended was followed by one that another began.
  private var borders: [[Int]] = []

  /// The next round.
  ///
  /// - Parameter count: of contestants; another than before begins anew.
  /// - Returns: the numbers from 0 up to `count`, each once.
  mutating func next(of count: Int) -> [Int] {
    if count != self.count {
      self = Rounds()
      self.count = count
      borders = Array(repeating: Array(repeating: 0, count: count), count: count)
    }
    if left.isEmpty { left = Self.design(count) }
    let place = left.indices.min { strain(left[$0]) < strain(left[$1]) } ?? 0
    let round = left.remove(at: place)
    if let last, let first = round.first { borders[last][first] += 1 }
    last = round.last
    return round
  }

  /// How often what would come after the last one has come after it. Nobody comes after itself if that can be helped.
  private func strain(_ round: [Int]) -> Int {
    guard let last, let first = round.first else { return 0 }
    return first == last ? .max : borders[last][first]
  }

  private static func design(_ count: Int) -> [[Int]] {
    // 0, 1, n - 1, 2, n - 2…: the steps between neighbours are all different.
    let first = (0..<count).map { place in place % 2 == 1 ? (place + 1) / 2 : (count - place / 2) % count }
    let square = (0..<count).map { round in first.map { ($0 + round) % count } }
    // With an odd number one such square does not do: its mirror image has the steps that it has not.
    return count % 2 == 1 ? square + square.map { $0.reversed() } : square
  }
}
