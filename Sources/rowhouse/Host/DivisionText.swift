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
    let head = """
      \(count) guest\(count == 1 ? "" : "s") on \(division.cpuCount) CPU\(division.cpuCount == 1 ? "" : "s") and \
      \(HumanQuantity.bytes(division.memoryBytes)) of memory

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

    func text(barWidth: Int, columns: Int, isColored: Bool) -> String {
      "\(name)\n" + rows.map { $0.text(barWidth: barWidth, isColored: isColored) }.joined()
        + legendText(columns: columns, isColored: isColored)
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
    let whole = UInt64(division.cpuCount) * 10_000
    return shares("cpu", \.cpu, of: whole, inUse: division.inUse?.cpu, Percentage.format, Percentage.format)
  }

  private var memory: Section {
    shares(
      "memory", \.memory, of: division.memoryBytes, inUse: division.inUse?.memory, HumanQuantity.bytes,
      ByteSize.format)
  }

  /// - Parameters:
  ///   - inUse: by all of the machine; nil: nobody knows.
  ///   - format: a figure in words, and one that a person has set.
  private func shares(
    _ name: String, _ share: (HostDivision.Guest) -> HostDivision.Share, of whole: UInt64, inUse: UInt64?,
    _ format: (UInt64) -> String, _ formatSet: (UInt64) -> String
  ) -> Section {
    let guests = division.guests.enumerated().map { (owner: BarOwner.guest($0), name: $1.name, share: share($1)) }
    let allotted = guests.lazy.map(\.share.allotted).saturatingSum
    let used = guests.lazy.map(\.share.used).saturatingSum
    let others = inUse.map { $0.saturatingSubtract(used) }
    var legend = guests.map { ($0.owner, "\($0.name) \(format($0.share.used)) of \(formatSet($0.share.allotted))") }
    if let others {
      legend.append((.others, "other programs \(format(others))"))
      legend.append((.free, "free \(format(whole.saturatingSubtract(used.saturatingAdd(others))))"))
    }
    return Section(
      name: name,
      rows: [
        Row(
          label: "may use", bar: (guests.map { ($0.owner, $0.share.allotted) }, whole),
          words: "\(format(allotted)) of \(format(whole))"),
        Row(
          label: "uses", bar: (guests.map { ($0.owner, $0.share.used) } + [(.others, others ?? 0)], whole),
          words: format(used)),
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
