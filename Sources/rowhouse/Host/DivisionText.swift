import Machine
import Metering

/// How a machine is divided, for a person: for each resource a bar of what guests may use, one of what they do use, and
/// whose each part is.
struct DivisionText {
  private let division: HostDivision
  private let columns: Int
  private let isColored: Bool

  /// Of everything under a resource's name.
  private static let indent = 2
  private static let leastBar = 12
  private static let gap = "   "

  init(_ division: HostDivision, columns: Int = 80, isColored: Bool = false) {
    self.division = division
    self.columns = columns
    self.isColored = isColored
  }

  var text: String {
    let count = division.guests.count
    let silent = division.guests.count { $0.state == .silent }
    let head = """
      \(count) guest\(count == 1 ? "" : "s")\(silent == 0 ? "" : " (\(silent) silent)") on \(division.limits.text)

      """
    let sections = [cpu, memory, flow("disk", \.disk), flow("network", \.network)]
    // Words behind the bars, so that all bars are as long.
    let words = sections.flatMap { $0.rows.map(\.words.count) }.max() ?? 0
    let fixed = Self.indent + Row.labelWidth + 1 + Self.gap.count + words
    let width = max(Self.leastBar, columns - fixed)
    return head + sections.map { $0.text(barWidth: width, columns: columns, isColored: isColored) }.joined()
  }

  /// What one resource shows.
  private struct Section {
    let name: String
    let rows: [Row]
    var legend: [(owner: BarOwner, text: String)] = []
    /// A line below.
    var note: String?

    func text(barWidth: Int, columns: Int, isColored: Bool) -> String {
      "\(name)\n" + rows.map { $0.text(barWidth: barWidth, isColored: isColored) }.joined()
        + legendText(columns: columns, isColored: isColored)
        + (note.map { String(repeating: " ", count: indent) + $0 + "\n" } ?? "")
    }

    /// As many to a line as there is room for.
    private func legendText(columns: Int, isColored: Bool) -> String {
      var text = ""
      var column = 0
      for (owner, words) in legend {
        let count = 2 + words.count
        let isFirst = column == 0 || column + gap.count + count > columns
        if isFirst {
          text += (column == 0 ? "" : "\n") + String(repeating: " ", count: indent)
          column = indent
        } else {
          text += gap
          column += gap.count
        }
        let sign = String(owner.sign)
        text += "\(isColored ? owner.paint(sign) : sign) \(words)"
        column += count
      }
      return text.isEmpty ? "" : text + "\n"
    }
  }

  private struct Row {
    static let labelWidth = 7

    let label: String
    /// Nil: there is nothing to make shares of.
    var bar: (parts: [(owner: BarOwner, amount: UInt64)], whole: UInt64)?
    let words: String

    func text(barWidth: Int, isColored: Bool) -> String {
      let start = String(repeating: " ", count: indent) + label
        + String(repeating: " ", count: Self.labelWidth - label.count + 1)
      guard let bar else { return start + words + "\n" }
      let cells = DivisionBar(bar.parts, of: bar.whole, width: barWidth).text(isColored: isColored)
      return start + cells + gap + words + "\n"
    }
  }

  private var cpu: Section {
    shares(
      "cpu", \.cpu, beside: \.devices, budget: division.limits.cpuBasisPoints, of: division.limits.cpuBasisPoints,
      inUse: division.inUse.cpu, Percentage.format)
  }

  private var memory: Section {
    var section = shares(
      "memory", \.memory, budget: division.budget.bytes, of: division.limits.memoryBytes, inUse: division.inUse.memory,
      HumanQuantity.bytes)
    section.note = division.budget.reason.map { "budget \($0)" }
    return section
  }

  /// - Parameters:
  ///   - beside: what a guest uses beside its share.
  ///   - budget: of what guests may use; `whole` is of what they do use.
  ///   - inUse: by all of the machine; nil: nobody knows.
  private func shares(
    _ name: String, _ share: (HostDivision.Guest) -> HostDivision.Share,
    beside: (HostDivision.Guest) -> UInt64? = { _ in nil }, budget: UInt64, of whole: UInt64, inUse: UInt64?,
    _ format: (UInt64) -> String
  ) -> Section {
    let guests = division.guests.enumerated().map { index, guest in
      (owner: BarOwner.guest(index), name: guest.name, share: share(guest), beside: beside(guest) ?? 0)
    }
    let uses = guests.map { ($0.owner, ($0.share.used ?? 0).saturatingAdd($0.beside)) }
    let allotted = guests.lazy.map(\.share.allotted).saturatingSum
    let used = uses.lazy.map(\.1).saturatingSum
    let others = inUse.map { $0.saturatingSubtract(used) }
    var legend = guests.map { guest -> (owner: BarOwner, text: String) in
      let devices = guest.beside == 0 ? "" : ", devices \(format(guest.beside))"
      let figures =
        guest.share.used.map { "\(format($0)) of \(format(guest.share.allotted))\(devices)" }
        ?? "silent, may use \(format(guest.share.allotted))"
      return (guest.owner, "\(guest.name) \(figures)")
    }
    if let others {
      legend.append((.others, "other programs \(format(others))"))
      legend.append((.free, "free \(format(whole.saturatingSubtract(used.saturatingAdd(others))))"))
    }
    return Section(
      name: name,
      rows: [
        Row(
          label: "may use", bar: (guests.map { ($0.owner, $0.share.allotted) }, budget),
          words: "\(format(allotted)) of \(format(budget))"),
        Row(label: "uses", bar: (uses + [(.others, others ?? 0)], whole), words: format(used)),
      ], legend: legend)
  }

  /// What goes through devices: the host does not say how much could, so the whole is what the limits come to, or, when
  /// a guest has none, what is used now.
  private func flow(_ name: String, _ flow: (HostDivision.Guest) -> HostDivision.Flow?) -> Section {
    let guests = division.guests.enumerated().compactMap { index, guest in
      flow(guest).map { (owner: BarOwner.guest(index), name: guest.name, flow: $0) }
    }
    guard !guests.isEmpty else { return Section(name: name, rows: [Row(label: "may use", words: "no guest has one")]) }
    let used = guests.lazy.map(\.flow.used).saturatingSum
    let limits = guests.compactMap { guest -> (owner: BarOwner, amount: UInt64)? in
      guard case .bytes(let limit) = guest.flow.limit else { return nil }
      return (guest.owner, limit)
    }
    let sum = limits.lazy.map(\.amount).saturatingSum
    let isLimited = limits.count == guests.count
    let unlimited = guests.count - limits.count
    let legend = guests.map { guest -> (owner: BarOwner, text: String) in
      let rate = Self.rate(guest.flow.used)
      return switch guest.flow.limit {
      case .none: (guest.owner, "\(guest.name) \(rate), no limit")
      case .partial: (guest.owner, "\(guest.name) \(rate), limited in part")
      case .bytes(let limit): (guest.owner, "\(guest.name) \(rate) of \(Self.rate(limit))")
      }
    }
    return Section(
      name: name,
      rows: [
        isLimited
          ? Row(label: "may use", bar: (limits, sum), words: Self.rate(sum))
          : Row(label: "may use", words: "no limit" + (limits.isEmpty ? "" : " for \(unlimited) of \(guests.count)")),
        Row(
          label: "uses", bar: (guests.map { ($0.owner, $0.flow.used) }, isLimited ? sum : used),
          words: Self.rate(used)),
      ],
      legend: legend + (isLimited ? [(.free, "free \(Self.rate(sum.saturatingSubtract(used)))")] : []))
  }

  private static func rate(_ bytes: UInt64) -> String { HumanQuantity.bytes(bytes) + "/s" }
}
