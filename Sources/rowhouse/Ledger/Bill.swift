import Machine
import Metering

/// The sum of ledger records, by guest or by day.
struct Bill {
  struct Line: JSONDocument, Equatable {
    /// The guest's name, or the day of its end (UTC).
    let of: String
    private(set) var runs = 0
    /// Of vCPUs and the rest of their VMMs together.
    private(set) var cpuSeconds = 0.0
    /// Of memory that was resident.
    private(set) var gibibyteHours = 0.0
    private(set) var diskReadBytes: UInt64 = 0
    private(set) var diskWrittenBytes: UInt64 = 0
    private(set) var networkReceivedBytes: UInt64 = 0
    private(set) var networkSentBytes: UInt64 = 0

    init(of name: String) { of = name }

    fileprivate mutating func add(_ record: LedgerRecord) {
      runs += 1
      cpuSeconds += Double(record.cpuNanoseconds.saturatingAdd(record.deviceNanoseconds)) / 1e9
      gibibyteHours += Double(record.residentByteSeconds) / Double(1 << 30) / 3600
      diskReadBytes = diskReadBytes.saturatingAdd(record.diskReadBytes)
      diskWrittenBytes = diskWrittenBytes.saturatingAdd(record.diskWrittenBytes)
      networkReceivedBytes = networkReceivedBytes.saturatingAdd(record.networkReceivedBytes)
      networkSentBytes = networkSentBytes.saturatingAdd(record.networkSentBytes)
    }
  }

  enum Grouping: String, CaseIterable { case name, day }
  enum Format: String, CaseIterable { case table, csv, json }

  /// In the order of their names or days.
  let lines: [Line]
  let total: Line
  private let grouping: Grouping

  init(_ records: [LedgerRecord], by grouping: Grouping) {
    self.grouping = grouping
    var lines: [String: Line] = [:]
    var total = Line(of: "total")
    for record in records {
      let key = grouping == .name ? record.name ?? "-" : String(record.ended.prefix(10))
      lines[key, default: Line(of: key)].add(record)
      total.add(record)
    }
    self.lines = lines.values.sorted { $0.of < $1.of }
    self.total = total
  }

  func text(_ format: Format) -> String {
    switch format {
    case .table:
      let head = [
        grouping.rawValue.uppercased(), "RUNS", "CPU-SECONDS", "GIB-HOURS", "READ", "WRITTEN", "RECEIVED", "SENT",
      ]
      return TextTable(head, (lines + [total]).map(Self.cells)).text
    case .csv:
      let head = [
        grouping.rawValue, "runs", "cpu_seconds", "gibibyte_hours", "disk_read_bytes", "disk_written_bytes",
        "network_received_bytes", "network_sent_bytes",
      ]
      return ([head] + lines.map(Self.fields)).map { $0.joined(separator: ",") + "\r\n" }.joined()
    case .json: return Document(by: grouping.rawValue, lines: lines, total: total).json
    }
  }

  private struct Document: JSONDocument {
    let by: String
    let lines: [Line]
    let total: Line
  }

  private static func cells(_ line: Line) -> [String] {
    let bytes = [line.diskReadBytes, line.diskWrittenBytes, line.networkReceivedBytes, line.networkSentBytes]
    return [
      line.of, String(line.runs), line.cpuSeconds.fixed(3), line.gibibyteHours.fixed(6),
    ] + bytes.map(HumanQuantity.bytes)
  }

  /// As RFC 4180 has them. Names and days need no quotes.
  private static func fields(_ line: Line) -> [String] {
    let bytes = [line.diskReadBytes, line.diskWrittenBytes, line.networkReceivedBytes, line.networkSentBytes]
    return [
      line.of, String(line.runs), line.cpuSeconds.fixed(9), line.gibibyteHours.fixed(9),
    ] + bytes.map { String($0) }
  }
}
