/// Two measurements of `rowhouse bench density`, the later beside the earlier, at the numbers of guests that both have.
struct DensityComparison {
  private let before: DensityResults
  private let after: DensityResults

  init(_ before: DensityResults, _ after: DensityResults) {
    self.before = before
    self.after = after
  }

  var text: String {
    let rows = after.contestants.flatMap { contestant -> [[String]] in
      let earlier = before.contestants.first { $0.name == contestant.name }?.points ?? []
      return contestant.points.flatMap { new in
        earlier.first { $0.guests == new.guests }.map { changes(of: contestant.name, $0, new) } ?? []
      }
    }
    return MeasurementDifference(before, after).lines.map { $0 + "\n" }.joined() + "\n"
      + TextTable(["", "GUESTS", "WHAT", "BEFORE", "AFTER", "AFTER / BEFORE"], rows).text
      + "Each was measured once, so nothing is known of chance.\n"
  }

  private func changes(of name: String, _ old: DensityResults.Point, _ new: DensityResults.Point) -> [[String]] {
    func row(_ what: String, _ before: Double, _ after: Double, _ show: (Double) -> String) -> [String] {
      [name, String(new.guests), what, show(before), show(after), before > 0 ? (after / before).fixed(3) : "-"]
    }
    func mebibytes(_ bytes: Double) -> String { (bytes / 1_048_576).fixed(2) + " MiB" }
    return [
      row("started a second", old.guestsPerSecond, new.guestsPerSecond) { $0.fixed(1) },
      row("resident each", Double(old.residentBytesPerGuest), Double(new.residentBytesPerGuest), mebibytes),
      row("of that overhead", Double(old.overheadBytesPerGuest), Double(new.overheadBytesPerGuest), mebibytes),
    ]
  }
}
