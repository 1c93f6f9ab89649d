/// In which order contestants take their turns, round after round.
///
/// What one leaves behind, as memory that is still being freed and caches that are full of it, is felt by the next. So
/// who comes after whom changes from round to round: in E. J. Williams's design of 1949, which balances such residual
/// effects, each comes next after each other one equally often, once in as many rounds as there are contestants, or
/// twice in twice as many where their number is odd.
enum Rounds {
  /// - Returns: the numbers from 0 up to `count`, each once.
  static func order(_ round: Int, of count: Int) -> [Int] {
    // 0, 1, n - 1, 2, n - 2…: the steps between neighbours are all different.
    let first = (0..<count).map { place in place % 2 == 1 ? (place + 1) / 2 : (count - place / 2) % count }
    let order = first.map { ($0 + round) % count }
    // With an odd number one such square does not do: its mirror image has the steps that it has not.
    return count % 2 == 1 && round / count % 2 == 1 ? order.reversed() : order
  }
}
