/// How figures changed, of everybody who was measured both times, judged beside those whose programs stayed the same.
struct ChangeTable {
  struct Row {
    let name: String
    /// Which figure it is: a change is judged beside others of the same.
    let what: String
    let change: Change
    /// Whether the program is the same both times, so that the change is not its own.
    let isControl: Bool
    let show: (Double) -> String
  }

  private let title: String
  private let rows: [Row]
  private let less: String
  private let more: String
  private let hasControls: Bool
  /// How often the interval of one row, beside others, may leave out 1 by chance. Bonferroni's correction: a table
  /// with many rows would else have a verdict for some of them nearly always, so all rows share the 5 in 100.
  private let chance: Double

  /// - Parameters:
  ///   - title: what the figures are, above their names.
  ///   - less: what it is when the later figures are smaller.
  init(_ title: String, _ rows: [Row], less: String, more: String) {
    self.title = title
    self.rows = rows
    self.less = less
    self.more = more
    hasControls = rows.contains { $0.isControl }
    let judged = rows.filter { !$0.isControl && $0.change.hasEnoughRuns }
    chance = 0.05 / Double(max(1, judged.count))
  }

  var text: String {
    let beside = "BESIDE OTHERS, \((100 - 100 * chance).fixed(1)) %"
    let head = ["", title, "BEFORE", "AFTER", "AFTER / BEFORE, 95 %"] + (hasControls ? [beside, ""] : [""])
    return TextTable(head, rows.map(cells)).text
  }

  private func cells(_ row: Row) -> [String] {
    let change = row.change
    let figures = [row.name, row.what, row.show(change.before.median), row.show(change.after.median)]
    // Nothing has no quotient.
    guard change.before.median > 0 else { return figures + (hasControls ? ["-", "-", ""] : ["-", ""]) }
    let plain = Ratio(of: change.after, to: change.before)
    let others = row.isControl ? [] : controls(of: row.what)
    let relative = others.isEmpty ? nil : Ratio(of: change, beside: others, chance: chance)
    let verdict = row.isControl ? "the machine" : judgement(change, plain, relative, beside: others)
    return figures + [plain.text] + (hasControls ? [relative?.text ?? "-", verdict] : [verdict])
  }

  private func controls(of what: String) -> [Change] {
    rows.filter { $0.isControl && $0.what == what && $0.change.isPositive }.map(\.change)
  }

  /// - Parameter relative: nil when there is nobody to judge it beside.
  private func judgement(_ change: Change, _ plain: Ratio, _ relative: Ratio?, beside others: [Change]) -> String {
    guard plain.low != nil, relative == nil || relative?.low != nil else { return "too few runs to tell" }
    let noise = "no more than noise"
    guard let relative else { return direction(plain).map { "\($0), or the machine" } ?? noise }
    guard let word = direction(relative) else {
      // Controls that stayed where they were have nothing to do with it.
      guard let way = direction(plain) else { return noise }
      return others.contains { direction(Ratio(of: $0.after, to: $0.before)) == way } ? "as the machine" : noise
    }
    // A machine need not change alike for all. What some other has too is no news of this program.
    let alone = others.map { direction(Ratio(of: change, beside: [$0], chance: chance)) }
    return alone.allSatisfy { $0 == word } ? word : "as one of the others"
  }

  /// - Returns: nil when 1 is in the interval, or there is none.
  private func direction(_ ratio: Ratio) -> String? {
    guard let low = ratio.low, let high = ratio.high else { return nil }
    return high < 1 ? less : low > 1 ? more : nil
  }
}
