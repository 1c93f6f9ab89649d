/// Metrics as text: OpenMetrics 1.0, or the Prometheus text format 0.0.4 that came before it.
struct Exposition {
  enum Format: String { case openmetrics, prometheus }
  enum Kind: String { case counter, gauge, info, summary }

  struct Family {
    /// Without the suffix that the kind asks for, with the unit.
    let name: String
    let kind: Kind
    let help: String
    /// The unit that the name ends in.
    var unit: String?
    fileprivate var samples: [Sample] = []

    init(_ name: String, _ kind: Kind, unit: String? = nil, _ help: String) {
      self.name = name
      self.kind = kind
      self.unit = unit
      self.help = help
    }

    mutating func add(_ value: UInt64, _ labels: [(String, String)]) {
      samples.append(Sample(labels: labels, value: String(value)))
    }

    /// Nanoseconds as seconds.
    mutating func add(nanoseconds: UInt64, _ labels: [(String, String)]) {
      samples.append(Sample(labels: labels, value: Self.seconds(nanoseconds)))
    }

    /// What a summary sums: how many there were, and nanoseconds of them all as seconds.
    mutating func add(count: UInt64, nanoseconds: UInt64, _ labels: [(String, String)]) {
      samples.append(Sample(labels: labels, value: String(count), suffix: "_count"))
      samples.append(Sample(labels: labels, value: Self.seconds(nanoseconds), suffix: "_sum"))
    }

    private static func seconds(_ nanoseconds: UInt64) -> String {
      let fraction = String(1_000_000_000 + nanoseconds % 1_000_000_000).dropFirst()
      return "\(nanoseconds / 1_000_000_000).\(fraction)"
    }
  }

  fileprivate struct Sample {
    let labels: [(String, String)]
    let value: String
    /// Nil: the kind's.
    var suffix: String?
  }

  let families: [Family]

  func text(_ format: Format) -> String {
    families.filter { !$0.samples.isEmpty }.map { Self.text($0, format) }.joined()
      + (format == .openmetrics ? "# EOF\n" : "")
  }

  private static func text(_ family: Family, _ format: Format) -> String {
    let suffix =
      switch family.kind {
      case .counter: "_total"
      case .info: "_info"
      case .gauge, .summary: ""
      }
    // The older format knows no infos, and describes samples by their whole name.
    let isOld = format == .prometheus
    let name = isOld ? family.name + suffix : family.name
    let kind = isOld && family.kind == .info ? .gauge : family.kind
    var text = "# TYPE \(name) \(kind.rawValue)\n"
    if let unit = family.unit, !isOld { text += "# UNIT \(name) \(unit)\n" }
    text += "# HELP \(name) \(family.help)\n"
    for sample in family.samples {
      let words = sample.labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
      text += "\(family.name)\(sample.suffix ?? suffix)\(words.isEmpty ? "" : "{\(words)}") \(sample.value)\n"
    }
    return text
  }

  private static func escaped(_ value: String) -> String {
    value.reduce(into: "") { text, character in
      switch character {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
  }
}
