import Metering

/// Metrics as text: OpenMetrics 1.0, or the Prometheus text format 0.0.4 that came before it.
struct Exposition {
  enum Format: String { case openmetrics, prometheus }
  enum Kind: String { case counter, gauge, info, histogram, stateset }

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

    /// One sample for each of the states that there can be, 1 for the one that is; nil: for none. The label that names
    /// it has the family's name, as OpenMetrics wants it.
    mutating func add(_ state: String?, of states: [String], _ labels: [(String, String)]) {
      for one in states { add(one == state ? 1 : 0, labels + [(name, one)]) }
    }

    /// Those of a histogram's buckets that are shown, for 1 µs to 69 s; those below and above are in the first and the
    /// last.
    private static let buckets = 9...35

    /// A histogram of times as seconds, and what they come to.
    mutating func add(_ histogram: LatencyHistogram, nanoseconds: UInt64, _ labels: [(String, String)]) {
      func add(_ suffix: String, _ value: String, _ more: [(String, String)] = []) {
        samples.append(Sample(labels: labels + more, value: value, suffix: suffix))
      }
      var count: UInt64 = 0
      for (bucket, requests) in histogram.counts.enumerated() {
        count = count.saturatingAdd(requests)
        // Times are whole nanoseconds, and what is less than the bucket's end is no more than one before it.
        let most = Self.seconds(LatencyHistogram.end(of: bucket) - 1)
        if Self.buckets.contains(bucket) { add("_bucket", String(count), [("le", most)]) }
      }
      // Of the same moment as the buckets, which the meter's own number of requests need not be.
      add("_bucket", String(count), [("le", "+Inf")])
      add("_count", String(count))
      add("_sum", Self.seconds(nanoseconds))
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

  init(_ families: [Family]) { self.families = families }

  func text(_ format: Format) -> String {
    families.filter { !$0.samples.isEmpty }.map { Self.text($0, format) }.joined()
      + (format == .openmetrics ? "# EOF\n" : "")
  }

  private static func text(_ family: Family, _ format: Format) -> String {
    let suffix =
      switch family.kind {
      case .counter: "_total"
      case .info: "_info"
      case .gauge, .histogram, .stateset: ""
      }
    // The older format knows no infos and no sets of states, and describes samples by their whole name.
    let isOld = format == .prometheus
    let name = isOld ? family.name + suffix : family.name
    let kind = isOld && [.info, .stateset].contains(family.kind) ? .gauge : family.kind
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
